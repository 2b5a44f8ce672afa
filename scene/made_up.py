"""Says how much of a background nobody ever saw: who stands in one place hides it all the time."""
from scene.plate import Plate, around_bars
from util.errors import warn

NOTABLE = 0.02      # of the picture: 7 to 17 % of four who stood in one place, 0 of two who moved


def made_up(plate: Plate) -> float:
    """Share of the picture, bars aside, that no frame shows without anybody."""
    _, confidence = plate.scene_at(plate.locked(), plate.size)
    scene = ~around_bars(plate.bars)
    return float((confidence[scene] == 0).mean()) if scene.any() else 0.0


def warn_of_made_up(plate: Plate) -> None:
    """A warning where the background had to be made up."""
    share = made_up(plate)
    if share >= NOTABLE:
        warn(f'{100 * share:.0f} % of the background is never seen, since somebody always stands '
             f'before it. It is made up from what lies around, which shows where the dance leaves '
             f'that place. Film the person stepping aside once, with the same camera.')
