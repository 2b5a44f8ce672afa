"""report.html of a dataset, from the numbers of its report.json. The style is util/web's."""
from typing import Any

import numpy as np
from dominate import tags
from dominate.util import raw

from pose.matching.coverage import CEILING, FLOOR
from preprocessing.report.filming_page import movements_section
from preprocessing.report.schema import FurthestPose, Gaps, MomentPicture, Report
from util.web.page import facts_table, fold, page, render, styles
from util.web.report_charts import heat_map, time_chart
from util.words import clock

LEGEND = (('h4', 'high confidence'), ('h2', 'medium'), ('h1', 'low'), ('h0', 'left out'))
REPAIRED = (('h5', 'filled in'), ('h6', 'left and right exchanged back'))
STEPS = {'flyers': 'frames in which another person was found for a moment',
         'swaps': 'frames with left and right exchanged back',
         'guesses': 'joints dropped for low confidence',
         'beyond_limits': 'joints dropped because no limb reaches them',
         'astray': 'joints dropped that jump away and back at once',
         'impossible': 'frames whose pose no body has, filled in or dropped',
         'filled': 'joints filled in'}
PART = {'arms': 'the arms', 'legs': 'the legs', 'head': 'the head', 'body': 'the trunk',
        'turn': 'the way the body is turned'}
KINDS = {'worst': 'Check these first', 'typical': 'Typical', 'dropped': 'Dropped'}
PEOPLE = ('', 'person', 'seen in', 'first', 'place', 'size', '', 'why')
NARROW, MEDIUM, WIDE = '11.5rem', '21rem', '26rem'      # of a picture in a sheet


def report_page(facts: dict[str, Any], report: Report, times: np.ndarray,
                cells: dict[str, np.ndarray]) -> str:
    """The page as HTML text.

    facts          dataset.json
    report         report.json
    times, cells   of the heat map, as util.web.report_charts.heat_map takes them
    """
    document = page(f'{report["name"]}: poses')
    with document.head:
        styles('wide_charts.css', 'report.css')
    with document.body:
        tags.header(tags.h1(report['name']), tags.p(summary(report), cls='soft'))
        tiles(report)
        for note in report['notes']:
            tags.p(note, cls='note soft')
        coverage_section(report)
        movements_section(report['movements'], report['remarks'])
        moments_section(facts, report)
        joints_section(report, times, cells)
        person_section(facts, report)
        repair_section(report)
        people_section(report)
        shots_section(report)
        facts_sections(facts)
        tags.footer('Every number on this page is in report.json. To make both again: '
                    'python preprocess.py --doctor, then this folder.')
    return render(document)


def facts_sections(facts: dict[str, Any]) -> None:
    """What dataset.json says, folded."""
    hidden = ('settings', 'people', 'draw')
    shown = {name: value for name, value in facts.items() if name not in hidden}
    draw = {name: facts['draw'][name] for name in ('style', 'line_width') if name in facts['draw']}
    with fold('Facts'):
        facts_table(shown | {'draw': draw})
    with fold('Settings'):
        facts_table(facts.get('settings', {}))


def summary(report: Report) -> str:
    frames = report['frames']
    split = ', '.join(f'{count} in {phase}' for phase, count in report['split'].items())
    between = frames['kept'] - sum(report['split'].values())
    split += f', {between} left out between them' if between else ''
    kept = f'{frames["kept"]} are kept ({split}), {frames["dropped"]} dropped.'
    if frames['found'] is None:
        return f'Of {frames["read"]} frames {kept}'
    share = 100 * frames['found'] / max(frames['read'], 1)
    return f'A person was found in {share:.1f} % of {frames["read"]} frames; {kept}'


def tiles(report: Report) -> None:
    """The few numbers that say whether the dataset is good."""
    frames = report['frames']
    jitter, lag = report['jitter'], report['lag']
    joints = report['joints'].values()
    cover = report['coverage']
    seen = [joint['seen'] for joint in joints if joint['seen']]
    shown = [(f'{100 * frames["kept"] / max(frames["read"], 1):.0f} %', 'of the frames kept'),
             (f'{100 * float(np.mean(seen)) if seen else 0:.0f} %', 'of the joints seen in them')]
    if jitter['before'] is not None:
        shown.append((f'{jitter["before"]:.2f} → {jitter["after"]:.2f}', 'jitter before and after'))
    if lag is not None:
        shown.append((f'{lag:.2f}'.replace('-0.00', '0.00'), 'frames of delay added by repair'))
    if frames['found'] is not None:
        filled = sum(joint['filled'] or 0 for joint in joints)
        swapped = sum(joint['swapped'] or 0 for joint in joints)
        shown.append((f'{filled}', 'joints filled in'))
        shown.append((f'{swapped}', 'joints exchanged with their partners'))
    if cover:
        known = 100 * (1 - cover['unknown'])
        shown.append((f'{known:.0f} %', 'of the poses like one in the training video'))
    with tags.div(cls='tiles'):
        for number, what in shown:
            tags.div(tags.b(number), tags.span(what), cls='card')


def coverage_section(report: Report) -> None:
    cover = report['coverage']
    over = report['over_time']
    if not cover:
        return
    shaded = []
    for spans in cover['unlike'].values():
        shaded += [(start, end) for start, end in spans]
    with tags.section(tags.h2('Poses that the training video does not show'), cls='card'):
        tags.p(cover['sentence'].replace('-', '\u2011'), cls='lead')
        tags.p(f'The distance of each pose to the nearest training pose in {cover["target"]}, in % '
               f'of the body height. Beyond the dashed line ({cover["limit"]:g} %) no training '
               f'pose is like it. The line follows from the distances between the training '
               f'video\'s own poses, and lies between {FLOOR:g} and {CEILING:g} %.', cls='soft')
        raw_chart(over['seconds'], {'distance': over['distance']},
                  'distance to the nearest training pose', limit=cover['limit'], shaded=shaded,
                  zero=True)
        if cover['furthest']:
            tags.h3('The least covered poses, each next to the nearest training frame')
            sheet([(pose['picture'], furthest_caption(pose)) for pose in cover['furthest']],
                  NARROW)


def furthest_caption(pose: FurthestPose) -> str:
    away = f'{clock(pose["seconds"])} · {pose["distance"]:.0f} % away'
    return f'{away}, mostly {PART[pose["part"]]}' if pose['part'] else away


def moments_section(facts: dict[str, Any], report: Report) -> None:
    fitted = facts['layout'] == 'poses' and facts.get('retargeted_to')
    if facts['layout'] != 'poses':
        said = ('The video with the pose found in it, and the written frame with the pose it is '
                'paired with.')
    elif fitted:
        said = ('The video with the pose found in it, the pose as it was fitted, and the fitted '
                'pose over the nearest training frame. White: the lines on which the feet stand '
                'nearest and furthest.')
    else:
        said = 'The video with the pose found in it, and the pose as it is drawn.'
    with tags.section(tags.h2('Selected moments'), tags.p(said, cls='soft'), cls='card'):
        for kind, title in KINDS.items():
            moments = [moment for moment in report['moments'] if moment['kind'] == kind]
            if moments:
                tags.h3(title)
                pictures = [(moment['picture'], moment_caption(moment)) for moment in moments]
                sheet(pictures, WIDE if facts.get('retargeted_to') else MEDIUM)


def moment_caption(moment: MomentPicture) -> str:
    when = f'{clock(moment["seconds"])}, frame {moment["frame"]}'
    return f'{when} · {moment["why"]}' if moment['why'] else when


def joints_section(report: Report, times: np.ndarray, cells: dict[str, np.ndarray]) -> None:
    cuts = [shot['start'] for shot in report['shots'][1:]]
    keys = LEGEND if report['frames']['found'] is None else LEGEND + REPAIRED
    with tags.section(tags.h2('Each joint over time'), cls='card'):
        key = tags.p(cls='soft key')
        for colour, name in keys:
            key.add(tags.i(cls=colour))
            key.add(name)
        raw(heat_map(times, cells, cuts, 'confidence of each joint over time'))
        if cuts:
            tags.p('Dashed: a new shot begins.', cls='soft')


def person_section(facts: dict[str, Any], report: Report) -> None:
    over = report['over_time']
    outside = report['person']['outside']
    written = 'as fitted' if facts.get('retargeted_to') else 'as written'
    height = 'Body height, % of the picture\'s height'
    place = 'Hips from the left, % of the picture\'s width'
    with tags.section(tags.h2('The person\'s size and place'), cls='card'):
        tags.h3(height)
        raw_chart(over['seconds'], {'in the video': over['height_video'],
                                    written: over['height_written']}, height)
        tags.h3(place)
        raw_chart(over['seconds'], {'in the video': over['place_video'],
                                    written: over['place_written']}, place)
        if outside:
            tags.p(f'In {100 * outside:.1f} % of the kept frames a joint lies outside the written '
                   f'picture.', cls='soft')


def gaps_sentence(gaps: Gaps) -> str:
    if not gaps['times']:
        return 'none'
    if gaps['times'] == 1:
        return f'{gaps["frames"]}, all in a row'
    return (f'{gaps["frames"]} in {gaps["times"]} stretches, the longest of {gaps["longest"]} '
            f'frames')


def repair_section(report: Report) -> None:
    gaps = report['gaps']
    jitter = report['jitter']
    facts: dict[str, Any] = {}
    for name, count in report['repair'].items():
        facts[STEPS.get(name, name)] = count
    if gaps:
        facts['frames without a person'] = gaps_sentence(gaps)
    before = '–' if jitter['before'] is None else f'{jitter["before"]:.3f}'
    facts['jitter before and after, % of body height per frame²'] = \
        f'{before} → {jitter["after"]:.3f}'
    if report['lag'] is not None:
        facts['lag added, frames'] = report['lag']
    with tags.section(tags.h2('What repair changed'), cls='card'):
        facts_table(facts)


def people_section(report: Report) -> None:
    if not report['people']:
        return
    with tags.section(tags.h2('People in the video'), cls='card'), tags.div(cls='people'):
        table = tags.table(tags.tr(tags.th(name) for name in PEOPLE))
        for one in report['people']:
            x, y = one['place']
            face = tags.img(src=one['picture'], alt='', loading='lazy') if one['picture'] else ''
            table.add(tags.tr(tags.td(face), tags.td(f'person {one["number"]}'),
                              tags.td(in_frames(one['frames'])),
                              tags.td(clock(one['first'])), tags.td(f'{x:.0f}, {y:.0f} px'),
                              tags.td(f'{one["size"]:.0f} px'),
                              tags.td('chosen' if one['chosen'] else '', cls='chosen'),
                              tags.td(one['why'])))


def shots_section(report: Report) -> None:
    shots = {}
    for shot in report['shots']:
        shots[f'shot {shot["number"] + 1}'] = (
            f'{shot["start"]:.2f} to {shot["end"]:.2f} s, {shot["kept"]} of {shot["frames"]} '
            f'frames kept')
    with tags.section(tags.h2('Shots and dropped frames'), cls='card'):
        facts_table(shots)
        if not report['dropped']:
            tags.p('No frame was dropped.', cls='soft')
            return
        tags.h3('Reasons')
        facts_table({why: in_frames(count) for why, count in report['reasons'].items()})
        stretches = tags.ul()
        for one in report['dropped']:
            count = in_frames(one['last'] - one['first'] + 1)
            stretches.add(tags.li(f'{count} from number {one["first"]} at {one["start"]:.2f} s: '
                                  f'{one["why"]}'))
        tags.details(tags.summary('Which'), stretches)


def in_frames(count: int) -> str:
    return f'{count} {"frame" if count == 1 else "frames"}'


def sheet(pictures: list[tuple[str, str]], width: str) -> None:
    """Pictures with captions, as many in a row as there is room for.

    pictures   (path, caption)
    width      of each, in CSS
    """
    with tags.div(cls='sheet', style=f'--w: {width}'):
        for path, caption in pictures:
            image = tags.img(src=path, alt=caption, loading='lazy', decoding='async')
            tags.figure(tags.a(image, href=path), tags.figcaption(caption))


def raw_chart(seconds: list[float | None], curves: dict[str, list[float | None] | None],
              says: str, **more: Any) -> None:
    """A chart of those curves that are known; `says` describes it."""
    known = {name: np.array(curve, float) for name, curve in curves.items() if curve is not None}
    raw(time_chart(np.array(seconds, float), known, says, **more))
