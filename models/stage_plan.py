"""The training stages of --model everybody_dance_now: which there are, and which is due."""
from __future__ import annotations

import argparse
from pathlib import Path

from data.facts import how_to_make
from models.lr_schedule import Schedule
from util.errors import UserError, say
from util.options import refuse

SHARES = {'global': 0.45, 'local': 0.40, 'face': 0.15}      # of the run, with --stage auto


class StagePlan:
    """The stages of one run in order, and where the run stands.

    ends     {stage: fraction of the run, 0 to 1, at which it ends}
    stage    the one that trains now
    course   fraction of that stage that is over, 0 to 1
    """

    def __init__(self, ends: dict[str, float]):
        self.ends = ends
        self.stage = next(iter(ends))
        self.course = 0.0

    @classmethod
    def of(cls, stage: str, local: bool, face: bool) -> StagePlan:
        """The plan for --stage.

        local   whether G is a local generator, which has a local stage
        face    whether there is a face generator
        """
        if stage != 'auto':
            return cls({stage: 1.0})
        stages = ['global']
        if local:
            stages.append('local')
        if face:
            stages.append('face')
        whole = sum(SHARES[stage] for stage in stages)
        ends: dict[str, float] = {}
        end = 0.0
        for stage in stages:
            end += SHARES[stage] / whole
            ends[stage] = end
        return cls(ends)

    def due(self, over: float, no_global: bool = False) -> str:
        """The stage that trains when the fraction `over` of the run is over.

        no_global   the global stage is finished and cannot be trained again: the one after it is
                    due instead
        """
        stages = list(self.ends)
        number = len(stages) - 1
        for n, end in enumerate(self.ends.values()):
            if over < end:
                number = n
                break
        if no_global and stages[number] == 'global':
            number += 1
        return stages[number]

    def enter(self, stage: str) -> None:
        """Go on with the start of `stage`."""
        self.stage = stage
        self.course = 0.0

    def advance(self, over: float) -> None:
        """Set `course` for the fraction `over` of the run."""
        ends = [0.0, *self.ends.values()]
        number = list(self.ends).index(self.stage)
        begin, end = ends[number], ends[number + 1]
        self.course = min(max((over - begin) / (end - begin), 0.0), 1.0)

    def rate(self, lr: float, policy: str) -> float:
        """The learning rate now: each stage runs the whole course of --lr_policy."""
        return Schedule(lr, policy, max_minutes=1).rate(1, 60 * self.course)


def validate_stages(opt: argparse.Namespace) -> None:
    """Check --stage against the other flags, and set those that follow from it."""
    known = (Path(opt.dataroot) / 'poses.npz').is_file()
    if opt.stage == 'global' and opt.netG == 'local':
        opt.netG = 'global'
    refuse(contradictions(opt))
    if not known and (opt.face_generator or opt.stage == 'face'):
        raise no_joints(opt.dataroot)
    if opt.stage == 'auto' and not known:
        say(f'{opt.dataroot} has no poses.npz that says where the face is, so there is no face '
            f'stage.')
    if known and opt.stage in ('auto', 'face') and not opt.face_generator:
        opt.face_generator = opt.face_discrim = True


def contradictions(opt: argparse.Namespace) -> list[tuple[object, str]]:
    """(condition, message) of every combination of flags that makes no sense."""
    return [
        (opt.stage == 'local' and opt.netG != 'local',
         f'--stage local: --netG {opt.netG} has no enhancer. Leave one of the two flags out.'),
        (opt.stage in ('global', 'local') and (opt.face_generator or opt.face_discrim),
         f'--face_generator: --stage {opt.stage} trains no face. Use --stage auto or --stage '
         f'face.'),
        (opt.face_discrim and not opt.face_generator,
         '--face_discrim: without --face_generator there is no face to discriminate. Give both.'),
        (opt.stage == 'face' and not (opt.load_pretrain or opt.continue_train),
         '--stage face adds to a trained generator. Name its run with --load_pretrain, or train '
         'all stages with --stage auto.'),
        (opt.face_generator and opt.no_vgg_loss and not opt.face_discrim,
         '--no_vgg_loss: without it and without --face_discrim the face generator has no loss. '
         'Give --face_discrim too.'),
        (opt.niter_fix_global and opt.stage != 'local',
         '--niter_fix_global belongs to --stage local. Leave that flag out.'),
        (opt.lr_policy == 'plateau' and opt.stage == 'auto',
         '--lr_policy plateau: with --stage auto the learning rate of each stage follows its '
         'share of the time. Use linear or cosine.')]


def no_joints(root: str) -> UserError:
    return UserError(f'the face stage: {root} has no poses.npz that knows the joints of each of '
                     f'its images, so no face is found. Train without it, with --stage local, or '
                     f'make a dataset: '
                     + how_to_make(Path(root)))
