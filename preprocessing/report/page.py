"""report.html of a dataset, from the numbers of its report.json. The look is util/page's."""
from typing import Any

import numpy as np
from dominate import tags
from dominate.util import raw

from pose.matching.coverage import CEILING, FLOOR, VARIETY, variety_sentence
from util.web.page import facts_table, fold, page, render, styles
from util.web.report_charts import bars, heat_map, time_chart
from util.words import clock

LEGEND = (('h4', 'surely found'), ('h2', 'less so'), ('h1', 'hardly'), ('h0', 'left out'))
REPAIRED = (('h5', 'filled in'), ('h6', 'left and right exchanged back'))
STEPS = {'flyers': 'frames that showed another for a moment', 'swaps':
         'frames with left and right exchanged back', 'guesses': 'joints taken out as mere guesses',
         'beyond_limits': 'joints taken out where no limb reaches', 'filled': 'joints filled in'}
PART = {'arms': 'the arms', 'legs': 'the legs', 'head': 'the head', 'body': 'the trunk',
        'turn': 'the way the body is turned'}


def report_page(facts: dict[str, Any], numbers: dict[str, Any], times: np.ndarray,
                cells: dict[str, np.ndarray]) -> str:
    """The page as HTML text.

    facts    dataset.json;  numbers  report.json
    times, cells   of the heat map, as util.web.report_charts.heat_map takes them
    """
    document = page(f'{numbers["name"]}: poses')
    with document.head:
        styles('wide_charts.css', 'report.css')
    with document.body:
        tags.header(tags.h1(numbers['name']), tags.p(summary(numbers), cls='soft'))
        tiles(numbers)
        for note in numbers['notes']:
            tags.p(note, cls='note soft')
        if numbers['coverage']:
            coverage_part(numbers)
        moments_part(facts, numbers)
        joints_part(numbers, times, cells)
        person_part(facts, numbers)
        with tags.div(cls='cols'):
            if numbers['variety']:
                variety_part(numbers)
            repair_part(numbers)
        if numbers['people']:
            people_part(numbers)
        shots_part(numbers)
        with fold('Facts'):
            facts_table({k: v for k, v in facts.items() if k not in ('settings', 'people', 'draw')}
                        | {'draw': {k: v for k, v in facts['draw'].items()
                                    if k in ('style', 'line_width')}})
        with fold('Settings'):
            facts_table(facts.get('settings', {}))
        tags.footer('Every number of this page is in report.json. Make both again at any time: '
                    'python preprocess.py --doctor, then this folder.')
    return render(document)


def summary(numbers: dict[str, Any]) -> str:
    frames = numbers['frames']
    split = ', '.join(f'{count} in {phase}' for phase, count in numbers['split'].items())
    kept = f'{frames["kept"]} are kept ({split}), {frames["dropped"]} dropped.'
    if frames['found'] is None:
        return f'Of {frames["read"]} frames {kept}'
    part = 100 * frames['found'] / max(frames['read'], 1)
    return f'A person was found in {part:.1f} % of {frames["read"]} frames; {kept}'


def tiles(numbers: dict[str, Any]) -> None:
    """The few numbers that say whether all is well."""
    frames, jitter, joints = numbers['frames'], numbers['jitter'], numbers['joints'].values()
    seen = [joint['seen'] for joint in joints if joint['seen']]
    shown = [(f'{100 * frames["kept"] / max(frames["read"], 1):.0f} %', 'of the frames kept'),
             (f'{100 * float(np.mean(seen)) if seen else 0:.0f} %', 'of the joints seen in them')]
    if jitter['before'] is not None:
        shown.append((f'{jitter["before"]:.2f} → {jitter["after"]:.2f}', 'jitter before and after'))
    if numbers['lag'] is not None:
        shown.append((f'{numbers["lag"]:.2f}'.replace('-0.00', '0.00'), 'frames of lag added'))
    if frames['found'] is not None:
        shown.append((f'{sum(joint["filled"] for joint in joints)}', 'joints filled in'))
        shown.append((f'{sum(joint["swapped"] for joint in joints)}',
                      'joints exchanged with their partner'))
    if numbers['coverage']:
        known = 100 * (1 - numbers['coverage']['unknown'])
        shown.append((f'{known:.0f} %', 'of the poses like one in the training video'))
    with tags.div(cls='tiles'):
        for number, what in shown:
            tags.div(tags.b(number), tags.span(what), cls='card')


def coverage_part(numbers: dict[str, Any]) -> None:
    cover, over = numbers['coverage'], numbers['over_time']
    spans = [span for when in cover['unlike'].values() for span in when]
    with tags.section(tags.h2('What the training video has not shown'), cls='card'):
        tags.p(cover['sentence'].replace('-', '\u2011'), cls='lead')
        tags.p(f'How far each pose is from the nearest training pose in {cover["target"]}, in % of '
               f'the body height. Beyond the dashed line ({cover["limit"]:g} %) there is nothing '
               f'like it. The line follows from how far the training video\'s own poses are from '
               f'each other, between {FLOOR:g} and {CEILING:g} %.', cls='soft')
        raw_chart(over, {'distance': over['distance']}, 'distance to the nearest training pose',
                  limit=cover['limit'], shaded=[(a, b) for a, b in spans], zero=True)
        if cover['furthest']:
            tags.h3('The least covered poses, each beside the nearest training frame')
            sheet([(one['picture'], ', '.join(filter(None, (
                f'{clock(one["seconds"])} · {one["distance"]:.0f} % away',
                one['part'] and f'{PART[one["part"]]} most'))))
                for one in cover['furthest']], '11.5rem')


def moments_part(facts: dict[str, Any], numbers: dict[str, Any]) -> None:
    kinds = {kind: [one for one in numbers['moments'] if one['kind'] == kind]
             for kind in ('worst', 'typical', 'dropped')}
    if facts['layout'] != 'poses':
        said = 'The video with what was found in it, and the frame with the pose it is paired with.'
    elif facts.get('retargeted_to'):
        said = ('The video with what was found in it, the pose as it was fitted, and that pose '
                'over the nearest training frame. White: the lines on which the feet stand '
                'nearest and furthest.')
    else:
        said = 'The video with what was found in it, and the pose as it is drawn.'
    titles = {'worst': 'Look at these first', 'typical': 'Typical', 'dropped': 'Dropped'}
    with tags.section(tags.h2('At a few moments'), tags.p(said, cls='soft'), cls='card'):
        for kind, moments in kinds.items():
            if moments:
                tags.h3(titles[kind])
                sheet([(one['picture'], ' · '.join(filter(None, (
                    f'{clock(one["seconds"])}, frame {one["frame"]}', one['why']))))
                    for one in moments],
                    '26rem' if facts.get('retargeted_to') else '21rem')


def joints_part(numbers: dict[str, Any], times: np.ndarray, cells: dict[str, np.ndarray]) -> None:
    cuts = [shot['start'] for shot in numbers['shots'][1:]]
    keys = [*LEGEND, *(REPAIRED if numbers['frames']['found'] is not None else ())]
    with tags.section(tags.h2('Joint by joint over time'), cls='card'):
        key = tags.p(cls='soft key')
        for colour, name in keys:
            key.add(tags.i(cls=colour))
            key.add(name)
        raw(heat_map(times, cells, cuts, 'how surely each joint was found over time'))
        if cuts:
            tags.p('Dashed: a new shot begins.', cls='soft')


def person_part(facts: dict[str, Any], numbers: dict[str, Any]) -> None:
    over = numbers['over_time']
    written = 'as fitted' if facts.get('retargeted_to') else 'as written'
    out = numbers['person']['outside']
    with tags.section(tags.h2('The person\'s size and place'), cls='card'):
        for name, said in (('height', 'Body height, % of the picture\'s height'),
                           ('place', 'Hips from the left, % of the picture\'s width')):
            tags.h3(said)
            raw_chart(over, {'in the video': over[f'{name}_video'],
                             written: over[f'{name}_written']}, said)
        if out:
            tags.p(f'In {100 * out:.1f} % of the kept frames a joint lies outside the picture that '
                   f'is written.', cls='soft')


def variety_part(numbers: dict[str, Any]) -> None:
    shares = numbers['variety']
    with tags.section(tags.h2('What there is to learn from'), cls='card'):
        tags.p(variety_sentence(shares))
        raw(bars({VARIETY[name]: share for name, share in shares.items()}))


def repair_part(numbers: dict[str, Any]) -> None:
    gaps, jitter = numbers['gaps'], numbers['jitter']
    facts: dict[str, Any] = {
        STEPS.get(name, name): count for name, count in numbers['repair'].items()}
    if gaps:
        facts['frames without a find'] = (
            f'{gaps["frames"]} in {gaps["times"]} {"gap" if gaps["times"] == 1 else "gaps"}, the '
            f'longest of {gaps["longest"]} frames' if gaps['times'] else 'none')
    before = '–' if jitter['before'] is None else f'{jitter["before"]:.3f}'
    facts['jitter before and after, % of body height per frame²'] = \
        f'{before} → {jitter["after"]:.3f}'
    if numbers['lag'] is not None:
        facts['lag added, frames'] = numbers['lag']
    with tags.section(tags.h2('What repair did'), cls='card'):
        facts_table(facts)


def people_part(numbers: dict[str, Any]) -> None:
    names = ('', 'who', 'seen in', 'first', 'place', 'size', '', 'why')
    with tags.section(tags.h2('The people found'), cls='card'), tags.div(cls='people'):
        table = tags.table(tags.tr(tags.th(name) for name in names))
        for one in numbers['people']:
            x, y = one['place']
            face = tags.img(src=one['picture'], alt='', loading='lazy') if one['picture'] else ''
            table.add(tags.tr(tags.td(face), tags.td(f'person {one["number"]}'),
                              tags.td(in_frames(one['frames'])),
                              tags.td(clock(one['first'])), tags.td(f'{x:.0f}, {y:.0f} px'),
                              tags.td(f'{one["size"]:.0f} px'),
                              tags.td('chosen' if one['chosen'] else '', cls='chosen'),
                              tags.td(one['why'])))


def shots_part(numbers: dict[str, Any]) -> None:
    dropped = numbers['dropped']
    with tags.section(tags.h2('Shots, and what was dropped'), cls='card'):
        facts_table({f'shot {shot["number"] + 1}': f'{shot["start"]:.2f} to '
                     f'{shot["end"]:.2f} s, {shot["kept"]} of {shot["frames"]} frames kept'
                     for shot in numbers['shots']})
        if not dropped:
            tags.p('No frame was dropped.', cls='soft')
            return
        tags.h3('Reasons')
        facts_table({why: in_frames(count) for why, count in numbers['reasons'].items()})
        tags.details(tags.summary('Which'), tags.ul(
            tags.li(f'{in_frames(one["last"] - one["first"] + 1)} from number {one["first"]} at '
                    f'{one["start"]:.2f} s: {one["why"]}') for one in dropped))


def in_frames(count: int) -> str:
    return f'{count} {"frame" if count == 1 else "frames"}'


def sheet(pictures: list[tuple[str, str]], width: str) -> None:
    """Pictures with a line under each, as many beside each other as there is room for."""
    with tags.div(cls='sheet', style=f'--w: {width}'):
        for path, said in pictures:
            image = tags.img(src=path, alt=said, loading='lazy', decoding='async')
            tags.figure(tags.a(image, href=path), tags.figcaption(said))


def raw_chart(over: dict[str, Any], series: dict[str, list[float | None] | None], says: str,
              **more: Any) -> None:
    """A chart of those curves of over_time that are known."""
    times = np.array(over['seconds'])
    raw(time_chart(times, {name: np.array(values, float) for name, values in series.items()
                           if values is not None}, says, **more))
