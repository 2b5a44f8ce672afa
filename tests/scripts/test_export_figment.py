"""scripts/export.py --for figment: a model for the image node of figment."""
import json

import numpy as np
import pytest
from conftest import SMALL, make_pairs
from PIL import Image

from tests.scripts.test_export import exports, painted
from util.errors import UserError


@pytest.fixture(scope='module')
def for_figment(small_vgg, tmp_path_factory):
    """A run that was trained at 512 px on poses drawn as figment does; not to be changed."""
    import train
    from pose.draw import draw_facts
    folder = tmp_path_factory.mktemp('figment')
    root = make_pairs(folder / 'toy', 512, 512, train=1, val=1)
    facts = {'layout': 'pairs', 'size': [512, 512], 'skeleton': 'BODY_25',
             'draw': draw_facts('figment', 2.0, 'BODY_25'), 'split': {'train': 1, 'val': 1}}
    (root / 'dataset.json').write_text(json.dumps(facts))
    train.main(['--dataroot', str(root), '--name', 'me', '--checkpoints_dir', str(folder),
                '--no_html', *SMALL, '--max_steps', '1'])
    return folder / 'me'


def test_a_file_for_figment_is_what_its_image_node_takes(for_figment):
    import onnxruntime
    file, = exports(for_figment, '--for', 'figment')
    assert file.name == 'figment_latest.onnx'
    session = onnxruntime.InferenceSession(str(file))
    (given,), (gives,) = session.get_inputs(), session.get_outputs()
    assert (given.name, given.type, given.shape) == ('input', 'tensor(float)', [1, 3, 512, 512])
    assert (gives.name, gives.type, gives.shape) == ('output', 'tensor(float)', [1, 3, 512, 512])
    pose = np.asarray(Image.open(for_figment.parent / 'toy/val/000001.png'))[:, :512]
    x = (pose / np.float32(127.5) - 1).transpose(2, 0, 1)[None].astype(np.float32)
    y = session.run(None, {'input': x})[0][0].transpose(1, 2, 0)
    there = ((y + 1) * 127.5).round()
    assert np.abs(there - painted(for_figment)[0]).max() <= 1
    with pytest.raises(UserError, match='is missing'):      # test.py does not paint with it
        painted(for_figment, '--runtime', 'onnx')


def test_a_run_that_figment_cannot_use_is_refused_with_the_commands_for_one(one_step):
    with pytest.raises(UserError, match=r'512x512.*preprocess\.py --video me\.mp4 .*--size 512 '
                                        r'--draw_style figment and then python train\.py'):
        exports(one_step, '--for', 'figment')
    with pytest.raises(UserError, match='figment reads ONNX'):
        exports(one_step, '--for', 'figment', '--format', 'openvino')
