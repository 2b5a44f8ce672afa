"""What a key or a button of the page asks a live session to do. Safe to share among threads."""
import threading
from types import MappingProxyType

# what each key does: words for --help, the window and the buttons of the page
KEYS = MappingProxyType({
    'q': 'quit',
    'm': 'measure the person again',
    'f': 'mirror the preview, never the output',
    'b': 'next background',
    'r': 'start or stop recording',
    's': 'save a picture',
    ' ': 'freeze or go on'})
REQUESTS = MappingProxyType({'m': 'measure', 'b': 'background', 's': 'snapshot'})


class Controls:
    """The switches of a session, and requests that one stage each takes once.

    frozen      the output repeats its last picture
    flipped     previews are mirrored: what the window and the page show, nothing else
    recording   the film is recorded
    ended       the session ends
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: set[str] = set()
        self.ended = False
        self.frozen = False
        self.flipped = False
        self.recording = False

    def end(self) -> None:
        """Ask the session to end."""
        self.ended = True

    def press(self, key: str) -> None:
        """Do what that key of KEYS says; any other key does nothing."""
        key = key.lower()
        with self._lock:
            if key == 'q':
                self.ended = True
            elif key == 'f':
                self.flipped = not self.flipped
            elif key == 'r':
                self.recording = not self.recording
            elif key == ' ':
                self.frozen = not self.frozen
            elif key in REQUESTS:
                self._requests.add(REQUESTS[key])

    def take(self, request: str) -> bool:
        """Whether 'measure', 'background' or 'snapshot' was asked for since it was taken last."""
        with self._lock:
            asked = request in self._requests
            self._requests.discard(request)
            return asked

    def state(self) -> dict[str, bool]:
        """The switches by name, for the page."""
        return {'frozen': self.frozen, 'flipped': self.flipped, 'recording': self.recording,
                'ended': self.ended}
