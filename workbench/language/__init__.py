"""Words for pictures: captions, edited captions, and records that replay them without the models."""

from workbench.registry import Registry

# A recomposer is made without arguments and has `id` and `recompose(caption, modification) -> str`.
RECOMPOSERS = Registry("recomposer", entry_point_group="workbench.recomposers")
RECOMPOSERS.declare("rules", "workbench.language.recompose:RuleRecomposer")
RECOMPOSERS.declare("tiny-editor", "workbench.language.text_generation:tiny_editor")
