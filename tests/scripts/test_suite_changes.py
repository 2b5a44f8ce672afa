"""What got worse since an earlier suite, and the words of a pair that fails."""
import pytest

from scripts.suite_changes import Noise, compared
from scripts.suite_runs import in_words_of_list


def test_a_pair_that_fails_now_or_has_no_number_any_more_is_worse():
    def rows(**pairs):
        return {'minutes': 1.0, 'pairs': pairs}
    fine, lost = {'scores': {'pose_error': 3.0}}, {'scores': {'pose_error': None}}
    found = compared(rows(a=fine, b=fine, c={'error': 'x'}), rows(
        a=lost, b={'error': 'no person'}, c=fine, d=fine), Noise())
    assert found.worse == ['a: pose error – % of body height, was 3.00.', 'b fails: no person']
    assert found.better == ['c fails no more.'] and 'd' in found.notes[0]


@pytest.mark.parametrize('before, now, key, is_noise', [
    (4.0, 4.19, 'pose_error', True), (4.0, 4.21, 'pose_error', False),
    (0.0, 0.0049, 'missed_people', True), (0.0, 0.0051, 'missed_people', False),
    (0.05, 0.0549, 'box_lpips_alex', True), (0.05, 0.0551, 'box_lpips_alex', False)])
def test_a_difference_within_noise_is_not_reported(before, now, key, is_noise):
    def rows(value):
        return {'minutes': 1.0, 'pairs': {'a': {'scores': {key: value}}}}
    assert (compared(rows(before), rows(now), Noise()).worse == []) is is_noise


@pytest.mark.parametrize('said, more', [
    ('Flags of preprocess.py go into --target_args "--overwrite" here.',
     'In place of --target_args, give "target_args" in the list.'),
    ('Choose another --name.', 'In place of --name, give another --out.'),
    ('--minutes 0: give it time.', '')])
def test_a_pair_that_fails_names_keys_of_the_list_and_flags_of_the_suite(said, more):
    assert in_words_of_list(said) == f'{said} {more}'.rstrip()
