"""A live session on a clock that jumps: rates, drops, delay, order, and how it ends."""
import threading

import pytest
from fakes import FakeCamera, FakeSink, Rig

from live.quality import Quality
from live.stages import Output
from util.errors import UserError

PERIOD = 1 / 30


def test_a_slow_painter_drops_pictures_and_the_output_keeps_its_rate():
    rig = Rig(paint=0.1, seconds=10)
    total = rig.run()
    assert total['fps'] == pytest.approx({'in': 30, 'pose': 30, 'paint': 10, 'out': 30}, abs=0.5)
    assert total['drops'] == {'capture': 0, 'pose': 0, 'paint': pytest.approx(200, abs=2),
                              'output': 0, 'null': 0}


def test_the_delay_is_bounded_by_the_stages_and_one_period_each():
    rig = Rig(pose=0.04, paint=0.1, seconds=20)
    delay = rig.run()['latency_ms']
    assert delay['max'] <= 1e3 * (0.04 + 0.1 + 0.1 + PERIOD) + 1
    assert delay['p50'] <= delay['p95'] <= delay['max']


def test_with_a_painter_of_100_ms_95_of_100_pictures_come_in_time():
    rig = Rig(paint=0.1, seconds=20)
    rounding = 0.1
    assert rig.run()['latency_ms']['p95'] < 1e3 * (0.1 + PERIOD + PERIOD) + rounding


def test_pictures_keep_their_order_and_the_last_one_is_repeated():
    rig = Rig(pose=0.05, paint=0.07, seconds=5)
    rig.run()
    seqs = [seq for seq, _ in rig.sinks['null'].got]
    assert seqs == sorted(seqs) and len(set(seqs)) < len(seqs)


def test_a_blocked_sink_harms_no_other_and_is_told_once(capsys):
    rig = Rig(seconds=10, sinks=lambda clock: {'slow': FakeSink(clock, blocks=3),
                                               'quick': FakeSink(clock)})
    total = rig.run()
    assert len(rig.sinks['quick'].got) == pytest.approx(300, abs=2)
    assert total['drops']['quick'] == 0 and total['drops']['slow'] > 100
    assert capsys.readouterr().err.count('slow: takes no picture since 2 s') == 3   # each time


def test_a_sink_that_misses_only_pictures_that_are_repeated_loses_none():
    rig = Rig(FakeCamera(fps=2), seconds=10, sinks=lambda clock: {'slow': FakeSink(clock, 0.1)})
    total = rig.run()
    assert len(rig.sinks['slow'].got) == pytest.approx(100, abs=3)
    assert len({seq for seq, _ in rig.sinks['slow'].got}) == 20 and total['drops']['slow'] == 0


def test_a_sink_that_fails_is_left_out_with_one_sentence_and_closed(capsys):
    fault = UserError('the disk is full.')
    rig = Rig(seconds=3, sinks=lambda clock: {'full.mp4': FakeSink(clock, fault=fault, at=5),
                                              'null': FakeSink(clock)})
    rig.run()
    assert len(rig.sinks['full.mp4'].got) == 5 and rig.sinks['full.mp4'].closed
    assert len(rig.sinks['null'].got) == pytest.approx(90, abs=2)
    assert capsys.readouterr().err.count('the disk is full.') == 1


def test_a_session_without_any_sink_left_ends_with_its_sentence():
    rig = Rig(sinks=lambda clock: {'full.mp4': FakeSink(clock, fault=OSError(28, 'no'), at=5)})
    with pytest.raises(UserError, match='full.mp4: the disk is full'):
        rig.run()
    assert rig.clock.now() < 1


def test_a_camera_that_is_unplugged_ends_the_session_and_closes_every_sink():
    gone = UserError('--camera 0: stopped giving pictures after 1.0 s.')
    rig = Rig(FakeCamera(count=30, fault=gone))
    with pytest.raises(UserError, match='stopped giving pictures'):
        rig.run()
    sink = rig.sinks['null']
    assert sink.closed and sink.got[-1][0] == 29


def test_a_camera_that_falls_silent_is_told_once(capsys):
    class Silent(FakeCamera):
        def pictures(self, clock):
            yield from super().pictures(clock)
            clock.wait_for(lambda: self.closed)
    rig = Rig(Silent(count=30), seconds=8)
    rig.run()
    assert capsys.readouterr().err.count('gives no picture since 2 s') == 1
    assert len(rig.sinks['null'].got) == pytest.approx(240, abs=2)


def test_the_end_of_a_file_ends_the_session_after_its_last_picture():
    rig = Rig(FakeCamera(count=45), pose=0.01, paint=0.05)
    rig.run()
    assert rig.sinks['null'].got[-1][0] == 44 and rig.sinks['null'].closed


def test_an_error_of_a_stage_is_raised_by_the_session():
    rig = Rig()
    rig.painter.seconds = {'plain': 'no number'}
    with pytest.raises(TypeError):
        rig.run()
    assert rig.camera.closed


def test_ctrl_c_ends_within_a_second_though_the_painter_is_slow():
    class Window(FakeSink):
        MAIN_THREAD = True

        def send(self, frame, now):
            super().send(frame, now)
            if now > 8:
                raise KeyboardInterrupt     # as Python raises it, in the main thread
    rig = Rig(paint=5, sinks=lambda clock: {'window': Window(clock), 'null': FakeSink(clock)})
    with pytest.raises(KeyboardInterrupt):
        rig.run()
    assert rig.sinks['null'].closed and rig.sinks['window'].closed
    assert rig.clock.now() <= 8 + 1 + PERIOD


def test_a_sink_that_is_making_its_film_whole_is_waited_for():
    class Film(FakeSink):
        def close(self):
            self.clock.sleep(4)
            super().close()
    rig = Rig(seconds=1, sinks=lambda clock: {'out.mp4': Film(clock)})
    rig.run()
    assert rig.sinks['out.mp4'].closed


def test_a_sink_that_is_blocked_for_ever_does_not_hold_up_the_end(capsys):
    rig = Rig(seconds=5, sinks=lambda clock: {'null': FakeSink(clock),
                                              'stuck': FakeSink(clock, blocks=60)})
    rig.run()
    assert rig.clock.now() < 6.2 and 'stuck: did not close in time' in capsys.readouterr().err


def test_a_sink_of_the_main_thread_is_called_by_no_other_and_holds_up_nobody():
    class Window(FakeSink):
        MAIN_THREAD = True

        def send(self, frame, now):
            assert threading.current_thread() is threading.main_thread()
            super().send(frame, now)
    rig = Rig(seconds=3, sinks=lambda clock: {'window': Window(clock, blocks=0.5),
                                              'null': FakeSink(clock)})
    rig.run()
    assert len(rig.sinks['window'].got) == pytest.approx(6, abs=1) and rig.sinks['window'].closed
    assert len(rig.sinks['null'].got) == pytest.approx(90, abs=2)


def test_a_session_does_not_go_on_for_its_recorder_alone():
    rig = Rig(sinks=lambda clock: {'null': FakeSink(clock, fault=UserError('gone.'), at=5)})
    make = rig.session.make_outputs
    recorder = FakeSink(rig.clock)
    rig.session.make_outputs = lambda size: [
        *make(size), Output('recorder', recorder, rig.clock, rig.figures, counts=False)]
    with pytest.raises(UserError, match='gone'):
        rig.run()
    assert recorder.closed


def test_the_quality_is_measured_before_anything_is_given_out():
    fine, coarse = Quality('fine', 64, 3, True, 1), Quality('coarse', 16, 1, False, 2)
    rig = Rig(FakeCamera(count=600), paint={'fine': 0.2, 'coarse': 0.03},
              qualities=(fine, coarse), seconds=3)
    total = rig.run()
    assert rig.painter.quality == coarse and rig.person.every == 2
    assert rig.size == (16, 16) and rig.sinks['null'].sizes == {(16, 16)}
    assert rig.camera.rewinds == 1 and 'coarse' in total['ladder']
    assert total['fps']['paint'] == pytest.approx(30, abs=1)


def test_a_quality_that_is_revised_is_told_in_one_line_and_the_film_keeps_its_size(capsys):
    fine, coarse = Quality('fine', 64, 3, True, 1), Quality('coarse', 16, 1, False, 2)
    rig = Rig(paint={'fine': 0.03, 'coarse': 0.02}, qualities=(fine, coarse), seconds=40)
    rig.session.tell = lambda figures: rig.painter.seconds.update(fine=0.2)     # becomes busy
    total = rig.run()
    assert rig.painter.quality == coarse and rig.person.every == 2
    assert rig.sinks['null'].sizes == {(64, 64)} and 'only 5 pictures' in total['ladder']
    told = capsys.readouterr().out.splitlines()
    assert [line for line in told if 'quality' in line] == [
        'quality fine (64 px, 3 frames retrieved, network, pose found in every picture): the best '
        'that reaches 30 pictures a second', total['ladder']]


def test_what_was_painted_to_measure_is_not_given_out():
    fine, coarse = Quality('fine', 64, 3, True, 1), Quality('coarse', 64, 1, False, 2)
    rig = Rig(paint={'fine': 0.2, 'coarse': 0.06}, qualities=(fine, coarse), seconds=1)
    rig.run()
    assert rig.session.first > 0.5
    first = rig.sinks['null'].got[0][0]
    assert first / rig.camera.fps >= rig.session.first - 1e-6


def test_keys_reach_the_stages_that_they_are_for():
    pressed = iter(['m', 'b', ' '])
    rig = Rig(seconds=6, tell=lambda figures: rig.controls.press(next(pressed, 'x')))
    rig.run()
    assert rig.person.measured == 1 and rig.painter.backgrounds == 1
    frozen = {seq for seq, now in rig.sinks['null'].got if now > 3.1}
    assert len(frozen) == 1 and len(rig.sinks['null'].got) == pytest.approx(180, abs=3)


def test_the_painter_prepares_itself_while_no_pose_waits():
    rig = Rig(FakeCamera(count=10))
    rig.painter.to_prepare = 5
    rig.run()
    assert rig.painter.to_prepare < 0 and rig.sinks['null'].got[-1][0] == 9


def test_key_q_ends_the_session():
    rig = Rig(tell=lambda figures: rig.controls.press('q'))
    rig.run()
    assert rig.clock.now() < 1.2 and rig.sinks['null'].closed


def test_the_quality_is_not_measured_on_an_empty_picture():
    qualities = [Quality(name, 8, 1, False, 1) for name in ('best', 'good', 'least')]
    rig = Rig(qualities=qualities, paint=0.001, seconds=2)
    rig.person.pose = None
    rig.run()
    assert rig.ladder.quality.name == 'good' and 'nobody is there' in rig.figures.ladder
