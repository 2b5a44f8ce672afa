"""Label maps, instance maps and their frames are looked at when the dataset is opened."""
import numpy as np
import pytest
from PIL import Image

from data.labelled_dataset import LabelledDataset
from options.train_options import TrainOptions
from util.errors import UserError

LABELS = np.repeat(np.arange(4, dtype=np.uint8), 4)[None].repeat(12, 0)


@pytest.fixture
def city(tmp_path):
    """train_label, train_img and train_inst, three files each."""
    for k in range(3):
        for part, pixels in (('label', LABELS), ('inst', LABELS.astype(np.uint16) * 1000),
                             ('img', np.dstack([LABELS] * 3) * 20)):
            folder = tmp_path / f'train_{part}'
            folder.mkdir(exist_ok=True)
            Image.fromarray(pixels).save(folder / f'{k}.png')
    return tmp_path


def opened(root, label_nc=4):
    opt = TrainOptions().parse(['--dataroot', str(root), '--model', 'pix2pixHD', '--label_nc',
                                str(label_nc), '--no_vgg_loss'])
    return LabelledDataset(opt, 'train')


def test_numbers_come_as_they_were_saved(city):
    item = opened(city).item(1)
    assert np.array_equal(item['A'][..., 0], LABELS) and item['instances'].max() == 3000


def test_names_that_agree_but_not_in_order_are_said(city, capsys):
    (city / 'train_label' / '1.png').rename(city / 'train_label' / 'worn.png')
    opened(city)
    said = capsys.readouterr().err
    assert said.count('warning') == 1 and '2.png is paired with 1.png' in said


def test_names_of_their_own_in_each_folder_are_no_fault(city, capsys):
    for path in (city / 'train_img').iterdir():
        path.rename(path.with_name(f'{path.stem}_leftImg8bit.png'))
    opened(city)
    assert 'warning' not in capsys.readouterr().err


def in_colours(path):
    table = np.uint8([(0, 0, 0), (3, 0, 0), (0, 3, 0), (0, 0, 3)])
    Image.fromarray(table[LABELS]).save(path)


def too_large(path):
    Image.fromarray(LABELS.astype(np.uint16) + 300).save(path)


def one_more(path):
    Image.fromarray(LABELS + 1).save(path)


def below_0(path):
    Image.fromarray(LABELS.astype(np.int32) - 1).save(path.with_suffix('.tiff'))
    path.unlink()


def fractions(path):
    Image.fromarray(LABELS / np.float32(2)).save(path.with_suffix('.tiff'))
    path.unlink()


def smaller(path):
    Image.fromarray(LABELS[:6]).save(path)


@pytest.mark.parametrize(('folder', 'spoil', 'says'), [
    ('label', in_colours, 'train_label/1.png: a picture in colours'),
    ('inst', in_colours, 'train_inst/1.png: a picture in colours'),
    ('label', too_large, 'train_label/1.png: has label 303; labels are 0 to 255'),
    ('label', one_more, 'train_label/1.png: has label 4.*--label_nc 5'),
    ('label', below_0, 'train_label/1.tiff: has label -1'),
    ('inst', below_0, 'train_inst/1.tiff: has instance -1'),
    ('label', fractions, 'train_label/1.tiff: fractions'),
    ('label', smaller, 'differ in size: 16x6 and 16x12'),
    ('inst', smaller, 'differ in size: 16x12 and 16x12 and 16x6')])
def test_a_map_that_is_none_is_refused_by_name_before_training(city, folder, spoil, says):
    spoil(city / f'train_{folder}' / '1.png')
    with pytest.raises(UserError, match=says):
        opened(city)


def test_no_label_above_255_is_taken_whatever_label_nc_is(city):
    too_large(city / 'train_label' / '2.png')
    with pytest.raises(UserError, match='has label 303'):
        opened(city, label_nc=895)


@pytest.mark.parametrize('folder', ['label', 'img', 'inst'])
def test_a_cut_file_and_what_belongs_to_it_are_left_out_when_the_dataset_is_opened(
        city, capsys, folder):
    path = city / f'train_{folder}' / '1.png'
    path.write_bytes(path.read_bytes()[:60])
    dataset = opened(city)
    assert [dataset.path(i).name for i in range(len(dataset))] == ['0.png', '2.png']
    assert dataset.item(1)['B_paths'].endswith('2.png')
    said = capsys.readouterr().err
    assert f'1 of 3 train files cannot be read and are left out, e.g. train_{folder}/1.png' in said


def test_where_nothing_can_be_read_nothing_is_trained(city):
    for k in range(3):
        (city / 'train_img' / f'{k}.png').write_bytes(b'')
    with pytest.raises(UserError, match=r'none of the 3 train files.*train_img/0.png \(the file'):
        opened(city)


def test_a_label_map_saved_as_jpeg_is_warned_of(city, capsys):
    for k in range(3):
        Image.fromarray(LABELS * 0).save(city / 'train_label' / f'{k}.jpg')
        (city / 'train_label' / f'{k}.png').unlink()
    opened(city)
    assert 'Save it as PNG' in capsys.readouterr().err
