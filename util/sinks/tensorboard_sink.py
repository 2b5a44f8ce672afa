"""TensorBoard's event file: `tensorboard --logdir checkpoints` shows every run that wrote one."""
import io
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from util.errors import UserError
from util.noted import remove
from util.sinks.base_sink import RunFacts, Sink

if TYPE_CHECKING:
    from util.sinks.base_sink import Pictures

QUALITY = 95            # of JPEG: the same images as PNG make an event file four times as large
FILM_FRAMES = 32        # at most, whatever the length of the run
FILM_HEIGHT = 256       # px at most
FILM_SECONDS = 0.3      # that each frame of the film is shown; the newest five times as long


class TensorBoardSink(Sink):
    """CHECKPOINTS_DIR/NAME/tensorboard/: losses, images, the held-out sample and a film of it.

    Needs no TensorFlow, torch or moviepy: an image event may hold any file that a browser shows,
    so images are JPEGs and the film is a GIF.
    """
    name = 'TensorBoard'
    WRITES = (r'tensorboard/events\.out\.tfevents\.[^/]+',)

    @staticmethod
    def WHEN(run: RunFacts) -> bool:
        return run.options.get('tensorboard', False)

    def __init__(self, run: RunFacts):
        super().__init__(run)
        try:
            from tensorboard.summary.writer.event_file_writer import EventFileWriter
        except ModuleNotFoundError:
            raise UserError('--tensorboard: the package tensorboard is not installed, so no event '
                            'file is written. Type: pip install tensorboard==2.20.0') from None
        folder = run.folder / 'tensorboard'
        if not run.continued:
            remove(run.folder, self.WRITES)
        self.writer = EventFileWriter(str(folder))
        self.forgets = run.continued            # drop the events after the state it resumes from
        self.film = Film()
        self.step = 0

    def losses(self, step: int, epoch: int, losses: Mapping[str, float], seconds: float,
               data_seconds: float, iters: int | None = None) -> None:
        self.numbers(step, {**{f'losses/{name}': value for name, value in losses.items()},
                            'run/epoch': epoch, 'run/seconds_an_image': seconds,
                            'run/seconds_waiting': data_seconds})

    def pictures(self, epoch: int, step: int, pictures: 'Pictures') -> None:
        self.picture(step, 'training_part', side_by_side(pictures), 'JPEG', quality=QUALITY)

    def heldout(self, epoch: int, step: int, pictures: 'Pictures', score: float | None) -> None:
        if score is not None:
            self.numbers(step, {'held_out/score': score})
        picture = side_by_side(pictures)
        self.picture(step, 'held_out/sample', picture, 'JPEG', quality=QUALITY)
        self.step = step
        if self.film.add(picture):
            self.show_film()

    def close(self, finished: bool) -> None:
        if self.film.grown:
            self.show_film()
        self.writer.close()

    def show_film(self) -> None:
        first, *others = self.film.take()
        self.picture(self.step, 'held_out/film', first, 'GIF', save_all=True, loop=0,
                     append_images=others,
                     duration=[*len(others) * [FILM_SECONDS * 1000], FILM_SECONDS * 5000])

    def numbers(self, step: int, values: Mapping[str, float]) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary
        self.write(step, Summary(value=[Summary.Value(tag=tag, simple_value=value)
                                        for tag, value in values.items()]))

    def picture(self, step: int, tag: str, picture: Any, kind: str, **how: Any) -> None:
        """A Pillow image, encoded in Pillow's file format `kind`."""
        from tensorboard.compat.proto.summary_pb2 import Summary
        encoded = io.BytesIO()
        picture.save(encoded, kind, **how)
        image = Summary.Image(width=picture.width, height=picture.height, colorspace=3,
                              encoded_image_string=encoded.getvalue())
        self.write(step, Summary(value=[Summary.Value(tag=tag, image=image)]))
        self.writer.flush()

    def write(self, step: int, summary: Any) -> None:
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        if self.forgets:
            self.forgets = False
            self.writer.add_event(Event(wall_time=time.time(), step=step,
                                        session_log=SessionLog(status=SessionLog.START)))
        self.writer.add_event(Event(wall_time=time.time(), step=step, summary=summary))


class Film:
    """A run of any length as fewer than FILM_FRAMES Pillow images."""

    def __init__(self) -> None:
        self.pictures: list[Any] = []
        self.seen = 0
        self.stride = 1                 # keeps one of every `stride` images
        self.grown = False              # since the last take()

    def add(self, picture: Any) -> bool:
        """Returns whether the film has doubled since this was last true. An event file only
        grows, so a film written each time would soon fill most of it."""
        if self.seen % self.stride == 0:
            small = picture.copy()
            small.thumbnail((picture.width, FILM_HEIGHT))
            self.pictures.append(small.quantize())          # here, not each time it is written
        self.seen += 1
        self.grown = True
        if len(self.pictures) == FILM_FRAMES:
            self.pictures = self.pictures[::2]
            self.stride *= 2
        return self.seen & (self.seen - 1) == 0

    def take(self) -> list[Any]:
        self.grown = False
        return self.pictures


def side_by_side(pictures: 'Pictures') -> Any:
    """All images as one Pillow image."""
    import numpy as np
    from PIL import Image
    return Image.fromarray(np.hstack(list(pictures.values())))
