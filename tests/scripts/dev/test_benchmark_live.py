"""The benchmark of live sessions says what was measured against what is reckoned and asked."""
from scripts.dev import benchmark_live

FIGURES = {'fps': {'in': 30.0, 'pose': 30.0, 'paint': 15.0, 'out': 30.0},
           'latency_ms': {'p50': 100.0, 'p95': 140.0, 'max': 200.0},
           'stage_ms': {'capture': 1.0, 'pose': 30.0, 'paint': 60.0},
           'drops': {'pose': 0, 'paint': 9}, 'ladder': 'quality low', 'memory_mb': 500}


def test_a_session_is_measured_with_a_painter_that_takes_100_ms(tmp_path):
    film = benchmark_live.camera_film((54, 96), 10, tmp_path / 'camera.mp4')
    said = benchmark_live.stubbed(str(film), 0.7)
    assert 'order kept' in said and 'reckoned' in said and 'bound 167' in said


def test_figures_are_held_against_those_that_are_asked():
    assert benchmark_live.told(FIGURES).endswith(': as asked')
    slow = {**FIGURES, 'fps': {**FIGURES['fps'], 'paint': 8.0}}
    late = {**FIGURES, 'latency_ms': {**FIGURES['latency_ms'], 'p95': 250.0}}
    nothing = {**FIGURES, 'latency_ms': dict.fromkeys(FIGURES['latency_ms'])}
    for figures in (slow, late, nothing):
        assert benchmark_live.told(figures).endswith(': NOT as asked')
