"""transfer.py with several videos at --target: who dances as whom, and what is refused at once."""
from pathlib import Path

import pytest

import transfer
from options.people import Role
from options.transfer_options import TransferOptions
from util.errors import UserError


@pytest.fixture
def parse(tmp_path, monkeypatch):
    """parse(*flags): the options for a.mp4 and b.mp4 as the dancers of duo.mp4."""
    monkeypatch.chdir(tmp_path)
    for name in ('a.mp4', 'b.mp4', 'duo.mp4', 'sub/a.mp4'):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()

    def parsed(*flags, targets=('a.mp4', 'b.mp4')):
        return TransferOptions().parse(['--target', *targets, '--source', 'duo.mp4', *flags])
    return parsed


def test_each_video_is_given_a_dancer_and_a_name(parse):
    assert parse('--people', '3,1').roles == (Role(3, 'a.mp4', 'a'), Role(1, 'b.mp4', 'b'))
    opt = parse('--name', 'anna', 'ben')
    assert opt.roles == (Role(1, 'a.mp4', 'anna'), Role(2, 'b.mp4', 'ben'))
    assert opt.background == 'source' and opt.output == 'duo_as_anna_and_ben.mp4'
    twins = parse(targets=('a.mp4', 'a.mp4'))
    assert [role.name for role in twins.roles] == ['a', 'a']


def test_one_video_is_one_person_as_ever(parse):
    opt = parse('--name', 'me', targets=['a.mp4'])
    assert (opt.roles, opt.target, opt.name, opt.background) == ((), 'a.mp4', 'me', 'own')
    assert parse(targets=['a.mp4']).name is None


@pytest.mark.parametrize('flags, said', [
    (['--people', '1'], '--people 1: 1 number for 2 videos at --target. Give one for each'),
    (['--people', '1,2,3'], '3 numbers for 2 videos'),
    (['--people', '2,2'], 'one dancer is named twice'),
    (['--people', 'left,right'], 'give a number for each --target, as in 1,2'),
    (['--people', '0,1'], 'give a number for each'),
    (['--name', 'both'], '--name both: 1 name for 2 videos'),
    (['--name', 'x', 'x'], 'a.mp4 and b.mp4 would both be named x. Give --name'),
    (['--model', 'pix2pix'], 'For several people give --model body2body'),
    (['--background', 'own'], 'Give --background source, green, alpha, or the file'),
    (['--source_args', '--person 2'], 'names one dancer.*give --people 1,2'),
    (['--source_args', '--keep_scene others'], '--keep_scene .*nobody does. Leave it out'),
    (['--test_args', '--num_test 3'], 'Give --source_args "--end 3"')])
def test_what_does_not_go_together_is_one_sentence(flags, said, parse):
    with pytest.raises(UserError, match=said):
        parse(*flags)


def test_videos_of_one_name_need_names(parse):
    with pytest.raises(UserError, match='a.mp4 and sub/a.mp4 would both be named a'):
        parse(targets=('a.mp4', 'sub/a.mp4'))
    assert [role.name for role in parse('--name', 'a', 'b', targets=('a.mp4', 'sub/a.mp4')).roles] \
        == ['a', 'b']


def test_numbers_for_one_video_are_refused(parse):
    with pytest.raises(UserError, match='names one video.*--source_args "--person 2"'):
        parse('--people', '2', targets=['a.mp4'])


def test_each_person_has_folders_of_its_own(parse, monkeypatch):
    monkeypatch.setattr('util.video.probe', lambda path: type('Info', (), {'fps': 40.0}))
    opt = parse('--people', '2,1', '--size', '96')
    one, other = (transfer.OnePerson(opt, role, Path('results/a_and_b')) for role in opt.roles)
    assert one.source == Path('datasets/duo_person2_as_a')
    assert other.results == Path('results/a_and_b/person1/b/latest_val')
    for flag in ('--person=2', '--max_gap=40', '--keep_scene', 'nobody', '--film_size=96',
                 '--retarget_to=datasets/a'):
        assert flag in one.steps.moves
    assert '--background=alpha' in one.steps.painting
    typed = parse('--source_args', '--max_gap 3')
    moves = transfer.OnePerson(typed, typed.roles[0], Path('results/a_and_b')).steps.moves
    assert [word for word in moves if 'max_gap' in word] == ['--max_gap']
