"""Parts of `model_cards.py`: what is asked of the packaged weights, and the page of cards."""
