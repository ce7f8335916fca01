"""One alarm an episode: opened, peak, closed; another only when it is twice as bad."""

from __future__ import annotations

from syndarix_obs_read.analysis.episodes import LEAST_REST, QUIET, REST, SETTLES, Episodes, alarms, episodes, rest

CALM = [0.2] * (QUIET + 1)


def test_an_episode_has_a_beginning_a_peak_and_an_end() -> None:
    (found,) = episodes([0.5, 1.1, 1.5, 1.2, *CALM])
    assert (1, 2, 1.5, 4) == (found.opened, found.peak, found.peak_score, found.closed)
    assert [1] == found.alarms


def test_it_stays_open_until_it_was_quiet_for_long_enough() -> None:
    (found,) = episodes([1.2, *CALM[: QUIET - 1]])
    assert None is found.closed
    (found,) = episodes([1.2, *CALM])
    assert 1 == found.closed


def test_a_score_around_the_limit_is_one_episode() -> None:
    assert [0] == alarms(episodes([1.05, 0.9, 1.05, 0.9, 1.05, *CALM]))


def test_what_comes_back_soon_is_the_same_episode() -> None:
    (found,) = episodes([1.2, *CALM, 1.3, *CALM])
    assert [0] == found.alarms
    assert len(CALM) + 2 == found.closed


def test_what_comes_back_late_is_a_new_one() -> None:
    assert [0, LEAST_REST] == alarms(episodes([1.2, *[0.1] * (LEAST_REST - 1), 1.2]))


def test_late_is_later_in_a_series_that_is_known_for_long_but_never_more_than_a_day() -> None:
    assert (LEAST_REST, 150, REST) == (rest(0), rest(5_000), rest(1_000_000))


def test_an_alarm_speaks_for_the_worst_of_its_first_hour() -> None:
    (found,) = episodes([1.0, 1.9, 3.0, *[1.2] * SETTLES, 5.9])
    assert [0] == found.alarms


def test_later_twice_as_bad_is_announced_again_and_then_only_twice_that() -> None:
    settled = [1.0] * (SETTLES - 1)
    (found,) = episodes([1.0, *settled, 1.9, 2.0, *settled, 3.9, 4.0])
    assert [0, SETTLES + 1, 2 * SETTLES + 2] == found.alarms


def test_the_warm_up_opens_nothing() -> None:
    assert [2] == alarms(episodes([9.0, 9.0, 1.2], warm_up=2))


def test_scores_in_pieces_make_the_same_episodes() -> None:
    scores = [0.5, 1.1, 2.5, *CALM, 1.4, *[0.1] * REST, 1.6]
    pieces = Episodes()
    for place in range(len(scores)):
        pieces.extend(scores[place : place + 1])
    assert episodes(scores) == pieces.found
