"""What the shell offers for a word that is begun: models, recipes, data sets."""

from __future__ import annotations

import typer


def complete_model(context: typer.Context, incomplete: str) -> list[str]:
    """Names of the trained models at hand, also of the model folder that was given before."""
    from dgno_core.models import weights_names

    return _beginning(["auto", *weights_names(context.params.get("model_folder"))], incomplete)


def complete_recipe(incomplete: str) -> list[str]:
    """Names of the packaged recipes; files are completed where a path is begun."""
    from dgno_core.training.recipes import recipe_names

    return _beginning(recipe_names(), incomplete)


def complete_dataset(incomplete: str) -> list[str]:
    """Names of the papers' data sets."""
    from dgno_core.data.datasets import datasets

    return _beginning(list(datasets()), incomplete)


def _beginning(names: list[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
