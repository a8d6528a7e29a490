from __future__ import annotations

import inspect

from function.shared import errors


def test_the_drawn_tree_names_every_error() -> None:
    drawing = errors.__doc__ or ""
    classes = [cls for _, cls in inspect.getmembers(errors, inspect.isclass)]
    assert {cls.__name__ for cls in classes} == {
        word for word in drawing.replace("├──", " ").replace("└──", " ").split() if word in dir(errors)
    }


def test_every_error_has_a_code() -> None:
    assert errors.Unavailable("down", "it is down").code == "down"
    assert errors.Rejected(400, "bad", "it is bad").status == 400
    assert errors.Misconfigured("set it").code == "misconfigured"
