"""history.jsonl: events that a page can show, whatever lines it holds."""
import json

from util.sinks.history import read_events

EVENT = {'step': 4, 'epoch': 1, 'losses': {'G': 0.5, 'D': float('nan')}, 'seconds': 0.1}
SHOWN = {'step': 5, 'epoch': 1, 'heldout': {'fake_B': 'images/epoch001_heldout_fake_B.png'},
         'score': None, 'film': 'film/000000005.jpg', 'size': [64, 64]}


def test_lines_that_are_no_events_are_passed_over(tmp_path):
    wrong = ['', '{', '[]', '3', '{"step": 1}', '{"step": "x", "epoch": 1}', '[' * 50_000,
             json.dumps(EVENT | {'losses': {'G': '1'}}), json.dumps(EVENT | {'epoch': -1}),
             json.dumps(SHOWN | {'film': '../../../victim.jpg'}),
             json.dumps(SHOWN | {'heldout': {'fake_B': 'images/../../x.png'}}),
             json.dumps(SHOWN | {'heldout': {'fake_B': 'javascript:alert(1)'}}),
             json.dumps(SHOWN | {'size': [0, -1]}), json.dumps(SHOWN | {'score': '0.3'})]
    lines = [json.dumps(EVENT), *wrong, json.dumps(SHOWN), json.dumps(EVENT)[:20]]
    (tmp_path / 'history.jsonl').write_text('\n'.join(lines))
    first, second = read_events(tmp_path / 'history.jsonl')
    assert first['losses']['G'] == 0.5 and second == SHOWN
