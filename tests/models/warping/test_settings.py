"""The numbers that an experiment may change."""


from models.warping.settings import (
    Body2BodySettings,
    from_record,
    recorded,
)


def test_a_record_sets_nothing_but_numbers_of_known_names():
    today = Body2BodySettings()
    assert from_record(today, recorded(today)) == today
    strange = {'light': 'much', 'blend': {'strain': [1]}, 'warp': 3, 'results_dir': 1, 'lpips': 0,
               'wrong_frames': float('inf'), 'joint_noise': float('nan'), 'offset_reach': -1}
    assert from_record(today, strange) == Body2BodySettings(lpips=False)
    assert from_record(today, None) == from_record(today, ['light']) == today
