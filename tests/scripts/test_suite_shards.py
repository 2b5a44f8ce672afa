"""Several calls of the suite fill one folder, each with a part of the list, at once or not."""
import json
import threading

import pytest

from scripts import suite
from scripts.suite_shards import SharedSuite, shard_of
from tests.scripts.test_suite import SCORES, entry, job  # noqa: F401   # fixtures
from tests.util.clips import clip
from util.errors import UserError
from util.files import write_json


@pytest.fixture
def listed(job):  # noqa: F811
    """Writes the list of `job`: pairs of these targets, each with a source of its own."""
    def write(*targets):
        pairs = []
        for n, target in enumerate(targets):
            clip(job.videos / f'{n}.mp4', [0, 0.1])
            pairs.append({'name': f'pair{n}', 'target': f'{target}.mp4', 'source': f'{n}.mp4'})
        write_json(job.videos / 'pairs.json', pairs)
    return write


def meanwhile(entry, monkeypatch, call):  # noqa: F811
    """call() happens within the first call of a script; what it raises is returned in a list."""
    raised: list[BaseException] = []
    real = type(entry).__call__
    left = [call]

    def both(self, *given):
        while left:
            try:
                left.pop()()
            except UserError as error:
                raised.append(error)
        return real(self, *given)
    monkeypatch.setattr(type(entry), '__call__', both)
    return raised


def test_each_shard_makes_every_nth_pair_and_the_page_shows_all(job, entry, listed,  # noqa: F811
                                                               capsys):
    listed('me', 'ann', 'bob')
    first = job('--shard', '1/2')
    assert list(first['pairs']) == ['pair0', 'pair2'] and entry.films() == ['pair0', 'pair2']
    both = job('--shard', '2/2')
    said = capsys.readouterr().out
    assert [said.count(f'pair{n}: pose error') for n in range(3)] == [1, 1, 1]
    assert entry.films() == ['pair1'] and list(both['pairs']) == ['pair0', 'pair1', 'pair2']
    page = (job.out / 'index.html').read_text()
    assert all(f'films/pair{n}_side_by_side.mp4' in page for n in range(3))
    job()
    assert entry.calls == []        # the whole list has nothing left to do


def test_what_another_shard_records_meanwhile_is_kept(job, entry, listed,  # noqa: F811
                                                      monkeypatch):
    listed('me', 'ann')
    raised = meanwhile(entry, monkeypatch, lambda: job('--shard', '2/2'))
    found = job('--shard', '1/2')
    assert raised == []
    assert {name: row['scores'] for name, row in found['pairs'].items()} == {
        'pair0': SCORES, 'pair1': SCORES}
    assert set(found['held_out']) == {'me', 'ann'}
    assert {'checkpoints/me', 'checkpoints/ann'} < set(found['prepared'])
    assert 'pair1' in (job.out / 'index.html').read_text()


def test_a_target_of_two_shards_is_made_by_one_while_the_other_waits(job, entry,  # noqa: F811
                                                                     listed, monkeypatch):
    listed('me', 'me')
    real = type(entry).__call__
    began = threading.Event()

    def slow(self, *given):
        began.set()
        threading.Event().wait(0.3)
        return real(self, *given)
    monkeypatch.setattr(type(entry), '__call__', slow)
    argv = [str(job.videos / 'pairs.json'), '--out', str(job.out)]
    second = threading.Thread(target=lambda: began.wait(60) and suite.main(
        [*argv, '--shard', '2/2']))
    second.start()
    suite.main([*argv, '--shard', '1/2'])
    second.join(60)
    found = json.loads((job.out / 'suite.json').read_text())
    assert [row['scores'] for row in found['pairs'].values()] == [SCORES, SCORES]
    assert sorted(entry.films()) == ['pair0', 'pair1']
    scripts = [script for script, _ in entry.calls]
    assert scripts.count('test.py') == 1        # its held-out frames once
    assert found['prepared']['checkpoints/me']['seconds'] == 10


@pytest.mark.parametrize('first, second, said', [
    (['--shard', '1/2'], ['--shard', '1/2'], 'another call does this shard'),
    ([], ['--shard', '2/2'], 'another call writes into this folder'),
    (['--shard', '1/2'], [], 'another call does --shard 1/2'),
    (['--shard', '1/2'], ['--shard', '1/1'], 'another call does --shard 1/2')])
def test_pairs_that_another_call_makes_are_refused(first, second, said, job, entry,  # noqa: F811
                                                   listed, monkeypatch):
    listed('me', 'ann')
    raised = meanwhile(entry, monkeypatch, lambda: job(*second))
    job(*first)
    assert len(raised) == 1 and said in str(raised[0])


@pytest.mark.parametrize('shard, said', [
    ('0/2', 'from 1/4 to 4/4'), ('3/2', 'from 1/4'), ('1', 'from 1/4'), ('a/b', 'from 1/4'),
    ('4/4', 'has 3 pair.s., so this shard has none. Give 3 shards or fewer')])
def test_a_shard_of_nothing_is_refused(shard, said):
    with pytest.raises(UserError, match=said):
        shard_of(['a', 'b', 'c'], shard)


def test_the_shards_are_the_list():
    every = list(range(7))
    assert sorted(shard_of(every, '1/3') + shard_of(every, '2/3') + shard_of(every, '3/3')) == every
    assert shard_of(every, '2/3') == [1, 4]


def test_a_shard_has_one_name_however_its_number_is_typed(tmp_path, monkeypatch):
    """Two calls for 1/2 and 01/2 would otherwise make the same pairs at the same time."""
    monkeypatch.setattr(suite.Suite, '__init__', lambda self, *given: setattr(self, 'options', {}))
    typed = {SharedSuite(shard, tmp_path, [], [], None).shard for shard in ('1/2', '01/2', '1/02')}
    assert typed == {'1/2'}
