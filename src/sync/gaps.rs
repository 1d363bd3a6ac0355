//! What is plainly equal in two long texts, and the gaps between it.
//!
//! Myers' algorithm is fast where texts are alike and where they have nothing in common; lines that
//! both have in another order take it quadratic time. In texts of many lines the lines that occur once
//! on each side are lined up first (as in patience diff, in n log n), so that only gaps are left, and
//! it is known how long they are.

use std::ops::Range;

use imara_diff::Token;

/// Texts with fewer lines on either side, and gaps, are compared as they are.
pub(super) const SHORT: usize = 50_000;

/// Lines of both sides between what is equal. One side may be empty, not both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gap {
    pub before: Range<usize>,
    pub after: Range<usize>,
}

impl Gap {
    /// The lines that may have to be compared with each other.
    pub fn len(&self) -> usize {
        self.before.len().min(self.after.len())
    }
}

/// The gaps between equal lines, in order. Tokens are smaller than `tokens`.
pub(super) fn gaps(before: &[Token], after: &[Token], tokens: u32) -> Vec<Gap> {
    let end = common(before.iter().rev().zip(after.iter().rev()));
    let start = common(before.iter().zip(after)).min(before.len().min(after.len()) - end);
    let (before_end, after_end) = (before.len() - end, after.len() - end);
    let anchors = anchors(&before[start..before_end], &after[start..after_end], tokens);
    let mut gaps = Vec::new();
    let (mut i, mut j) = (start, start);
    for (a, b) in anchors.into_iter().map(|(a, b)| (a + start, b + start)) {
        // Already part of the run before.
        if a < i {
            continue;
        }
        let back = common(before[i..a].iter().rev().zip(after[j..b].iter().rev()));
        push(&mut gaps, i..a - back, j..b - back);
        let run = common(before[a..before_end].iter().zip(&after[b..after_end]));
        (i, j) = (a + run, b + run);
    }
    push(&mut gaps, i..before_end, j..after_end);
    gaps
}

fn push(gaps: &mut Vec<Gap>, before: Range<usize>, after: Range<usize>) {
    if !before.is_empty() || !after.is_empty() {
        gaps.push(Gap { before, after });
    }
}

fn common<'a>(pairs: impl Iterator<Item = (&'a Token, &'a Token)>) -> usize {
    pairs.take_while(|(a, b)| a == b).count()
}

/// Where a token stands on each side, if it stands there once.
#[derive(Clone, Copy)]
struct Places {
    before: Place,
    after: Place,
}

#[derive(Clone, Copy)]
enum Place {
    Nowhere,
    Once(usize),
    Often,
}

impl Place {
    fn add(&mut self, at: usize) {
        *self = if matches!(self, Place::Nowhere) { Place::Once(at) } else { Place::Often };
    }
}

/// The longest row of lines that occur once on each side and come in the same order on both.
fn anchors(before: &[Token], after: &[Token], tokens: u32) -> Vec<(usize, usize)> {
    let mut places = vec![Places { before: Place::Nowhere, after: Place::Nowhere }; tokens as usize];
    before.iter().enumerate().for_each(|(at, token)| places[token.0 as usize].before.add(at));
    after.iter().enumerate().for_each(|(at, token)| places[token.0 as usize].after.add(at));
    let pairs = before.iter().filter_map(|token| match places[token.0 as usize] {
        Places { before: Place::Once(i), after: Place::Once(j) } => Some((i, j)),
        _ => None,
    });
    longest_rising(&pairs.collect::<Vec<_>>())
}

/// The longest subsequence whose second numbers rise too (the first ones do), by patience sorting.
fn longest_rising(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    // The pair on top of each pile, and for each pair the top of the pile before when it was laid.
    let mut tops: Vec<usize> = Vec::new();
    let mut previous: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (at, pair) in pairs.iter().enumerate() {
        let pile = tops.partition_point(|top| pairs[*top].1 < pair.1);
        previous.push(pile.checked_sub(1).map(|left| tops[left]));
        if pile == tops.len() {
            tops.push(at);
        } else {
            tops[pile] = at;
        }
    }
    let mut row: Vec<_> = std::iter::successors(tops.last().copied(), |at| previous[*at]).map(|at| pairs[at]).collect();
    row.reverse();
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(before: &str, after: &str) -> Vec<(Range<usize>, Range<usize>)> {
        let tokens = |text: &str| text.bytes().map(|byte| Token(byte.into())).collect::<Vec<_>>();
        gaps(&tokens(before), &tokens(after), 256).into_iter().map(|gap| (gap.before, gap.after)).collect()
    }

    #[test]
    fn equal_texts_have_no_gap_and_different_ones_are_one() {
        assert_eq!(found("abc", "abc"), []);
        assert_eq!(found("", ""), []);
        assert_eq!(found("abc", "xy"), [(0..3, 0..2)]);
        assert_eq!(found("aaa", "aa"), [(0..1, 0..0)]);
    }

    #[test]
    fn runs_grow_from_lines_that_occur_once() {
        assert_eq!(found("xxabxxcdxx", "yxabxxczxy"), [(0..1, 0..1), (7..10, 7..10)]);
        assert_eq!(found("1a2b3", "4b5a6"), [(0..3, 0..1), (4..5, 2..5)]);
    }
}
