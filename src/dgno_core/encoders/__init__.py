"""Lifting modules "P": from an image to the features on which the operators work."""
