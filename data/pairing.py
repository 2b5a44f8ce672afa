"""Which files of a dataset's folders belong together."""
from collections.abc import Container, Iterable, Sequence
from pathlib import Path

from util.errors import UserError, warn
from util.images import check_no_twins, foreign_in, pictures_in


def find_rows(root: Path, phase: str) -> list[tuple[Path, ...]]:
    """The files of each pair of a phase: (pair,), or (pose, frame) of one name; [] where there are
    none.

    Where no name is in both folders, as NVIDIA's pose_0001.png and photo_0001.png, they are paired
    in name order. UserError where that is impossible too, and for two files of one name.
    """
    warn_of_foreign(root / name for name in (phase, f'{phase}_A', f'{phase}_B'))
    pairs = pictures_in(root / phase)
    if pairs:
        check_no_twins(pairs)
        return [(pair,) for pair in pairs]
    poses = pictures_in(root / f'{phase}_A')
    frames = pictures_in(root / f'{phase}_B')
    check_no_twins(poses)
    check_no_twins(frames)
    by_name = {path.stem: path for path in frames}
    rows: list[tuple[Path, ...]] = []
    rows += [(pose, by_name[pose.stem]) for pose in poses if pose.stem in by_name]
    if not rows and poses and frames:
        return in_name_order(poses, frames)
    if rows:
        used = {row[0].stem for row in rows}
        warn_of_alone(used, poses, frames)
    return rows


def in_name_order(poses: Sequence[Path], frames: Sequence[Path]) -> list[tuple[Path, ...]]:
    """The n-th pose with the n-th frame; UserError where their numbers differ."""
    folders = f'{poses[0].parent} and {frames[0].parent.name}'
    names = f'{poses[0].name} and {frames[0].name}'
    if len(poses) != len(frames):
        raise UserError(f'{folders}: no file of one has a partner of the same name in the other '
                        f'({names}), and {len(poses)} and {len(frames)} files cannot be paired in '
                        f'name order. Give pose and frame one name.')
    warn(f'{folders}: no name is in both, so that their {len(poses)} files are paired in name '
         f'order, {names} first.')
    return list(zip(poses, frames))


def warn_of_order(folders: Iterable[Sequence[Path]]) -> None:
    """A warning where files are paired in name order although one has a partner of its own name
    elsewhere: a file was renamed or is missing. Each folder has as many files as the first."""
    first, *others = folders
    for paths in others:
        names = {path.stem for path in paths}
        for path, partner in zip(first, paths):
            if path.stem != partner.stem and path.stem in names:
                warn(f'{path} is paired with {partner.name}, as the n-th files in name order '
                     f'belong together, although {partner.parent.name} has a {path.stem} too. '
                     f'Where that is wrong, give the files of a pair one name.')
                return


def warn_of_alone(used: Container[str], *folders: Sequence[Path]) -> None:
    """One warning that counts the files of each folder whose stem is not in use, and names one."""
    counted = []
    example = ''
    for files in folders:
        alone = [path for path in files if path.stem not in used]
        if alone:
            counted.append(f'{len(alone)} of {len(files)} files of {files[0].parent.name}')
            example = example or f'{alone[0].parent.name}/{alone[0].name}'
    if counted:
        warn(f'{folders[0][0].parent.parent}: {" and ".join(counted)} have no partner of the same '
             f'name and are left out, e.g. {example}.')


def warn_of_foreign(folders: Iterable[Path]) -> None:
    """A warning for each folder with pictures that this program cannot read."""
    for folder in folders:
        if foreign_in(folder):
            warn(foreign_in(folder))
