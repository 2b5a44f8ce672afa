"""The scripts that encode features with a trained run; what they write: tests/models/."""
import pytest

from scripts import encode_features, precompute_feature_maps


@pytest.mark.parametrize('script', [encode_features, precompute_feature_maps])
def test_help_describes_the_script_and_lists_the_flags_of_its_model(script, capsys):
    with pytest.raises(SystemExit) as ended:
        script.main(['--help'])
    assert ended.value.code == 0
    shown = ' '.join(capsys.readouterr().out.split())
    assert script.DESCRIPTION in shown and '--n_clusters' in shown
    assert 'Paint every pose' not in shown, 'the description of test.py'
