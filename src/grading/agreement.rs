//! Agreement between a grader and people: the field's measures, as pure functions over pairs.
//!
//! All marks are shares of their own scale (0 to 1), so that items of different scales can stand in one table. A measure
//! that is not defined on its input (no variance, no pair) is `None`, never 0.

use std::collections::BTreeMap;

/// One graded item.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// The question it answers; pairs of one question are comparable.
    pub question: usize,
    /// People's mark, 0 to 1.
    pub human: f64,
    /// The grader's, 0 to 1.
    pub predicted: f64,
    /// Words of the answer.
    pub words: usize,
}

/// Pearson's correlation.
#[must_use]
pub fn pearson(x: &[f64], y: &[f64]) -> Option<f64> {
    let n = x.len() as f64;
    if x.len() != y.len() || x.len() < 2 {
        return None;
    }
    let (mx, my) = (x.iter().sum::<f64>() / n, y.iter().sum::<f64>() / n);
    let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
    for (a, b) in x.iter().zip(y) {
        xy += (a - mx) * (b - my);
        xx += (a - mx) * (a - mx);
        yy += (b - my) * (b - my);
    }
    (xx > 1e-12 && yy > 1e-12).then(|| xy / (xx * yy).sqrt())
}

/// Ranks from 1, ties shared.
#[must_use]
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut from = 0;
    while from < order.len() {
        let tied = order[from..].iter().take_while(|&&i| values[i] == values[order[from]]).count();
        let rank = from as f64 + (tied as f64 + 1.0) / 2.0;
        for &i in &order[from..from + tied] {
            ranks[i] = rank;
        }
        from += tied;
    }
    ranks
}

/// Spearman's rank correlation.
#[must_use]
pub fn spearman(x: &[f64], y: &[f64]) -> Option<f64> {
    pearson(&ranks(x), &ranks(y))
}

/// Quadratic weighted kappa over `levels` equal steps of the scale; both marks are rounded to the nearest step. With two
/// levels it is Cohen's kappa.
#[must_use]
pub fn quadratic_kappa(human: &[f64], predicted: &[f64], levels: usize) -> Option<f64> {
    if human.is_empty() || human.len() != predicted.len() || levels < 2 {
        return None;
    }
    let step = |v: &f64| ((v.clamp(0.0, 1.0) * (levels - 1) as f64).round() as usize).min(levels - 1);
    let (mut rows, mut columns) = (vec![0.0; levels], vec![0.0; levels]);
    let mut observed = 0.0;
    for (h, p) in human.iter().zip(predicted) {
        let (h, p) = (step(h), step(p));
        rows[h] += 1.0;
        columns[p] += 1.0;
        observed += (h as f64 - p as f64).powi(2);
    }
    let n = human.len() as f64;
    let mut expected = 0.0;
    for (i, r) in rows.iter().enumerate() {
        for (j, c) in columns.iter().enumerate() {
            expected += (i as f64 - j as f64).powi(2) * r * c / n;
        }
    }
    (expected > 1e-12).then(|| 1.0 - observed / expected)
}

/// Share of pairs of answers to one question, different by people's marks, that the grader puts in the same order; a tie
/// of the grader counts half.
#[must_use]
pub fn pairwise_accuracy(pairs: &[Pair]) -> Option<f64> {
    let (mut right, mut all) = (0.0, 0.0);
    for group in by_question(pairs).values() {
        for (at, a) in group.iter().enumerate() {
            for b in &group[at + 1..] {
                if (a.human - b.human).abs() < 1e-9 {
                    continue;
                }
                all += 1.0;
                let difference = a.predicted - b.predicted;
                right += if difference.abs() < 1e-12 {
                    0.5
                } else {
                    f64::from(u8::from((difference > 0.0) == (a.human > b.human)))
                };
            }
        }
    }
    (all > 0.0).then(|| right / all)
}

/// Mean over questions of the rank correlation within the question, weighted by its items.
#[must_use]
pub fn spearman_within(pairs: &[Pair]) -> Option<f64> {
    let (mut sum, mut weight) = (0.0, 0.0);
    for group in by_question(pairs).values().filter(|g| g.len() >= 3) {
        let (human, predicted) = columns(group.iter().copied());
        if let Some(rho) = spearman(&human, &predicted) {
            sum += rho * group.len() as f64;
            weight += group.len() as f64;
        }
    }
    (weight > 0.0).then(|| sum / weight)
}

/// Mean absolute error, in shares of the scale.
#[must_use]
pub fn mean_absolute_error(pairs: &[Pair]) -> Option<f64> {
    mean(pairs.iter().map(|p| (p.human - p.predicted).abs()))
}

/// Root mean square error, in shares of the scale.
#[must_use]
pub fn root_mean_square_error(pairs: &[Pair]) -> Option<f64> {
    mean(pairs.iter().map(|p| (p.human - p.predicted).powi(2))).map(f64::sqrt)
}

/// Share of items within one step of the scale.
#[must_use]
pub fn within_one_step(pairs: &[Pair], levels: usize) -> Option<f64> {
    let step = 1.0 / (levels.max(2) - 1) as f64;
    mean(pairs.iter().map(|p| f64::from(u8::from((p.human - p.predicted).abs() <= step + 1e-9))))
}

/// What a doubling of the answer's length adds to the prediction at equal question and equal human mark, in shares of
/// the scale: the verbosity bias.
#[must_use]
pub fn length_slope(pairs: &[Pair]) -> Option<f64> {
    let mut groups: BTreeMap<(usize, i64), Vec<(f64, f64)>> = BTreeMap::new();
    for p in pairs {
        let mark = (p.human * 1e6).round() as i64;
        groups.entry((p.question, mark)).or_default().push(((p.words.max(1) as f64).log2(), p.predicted));
    }
    let (mut xy, mut xx) = (0.0, 0.0);
    for group in groups.values() {
        let n = group.len() as f64;
        let (mx, my) = group.iter().fold((0.0, 0.0), |(a, b), (x, y)| (a + x / n, b + y / n));
        for (x, y) in group {
            xy += (x - mx) * (y - my);
            xx += (x - mx) * (x - mx);
        }
    }
    (xx > 1e-9).then(|| xy / xx)
}

/// Expected calibration error over ten bins of confidence: `(confidence of the likeliest level, whether it was right)`.
#[must_use]
pub fn expected_calibration_error(sure: &[(f64, bool)]) -> Option<f64> {
    if sure.is_empty() {
        return None;
    }
    let mut bins = [(0.0, 0.0, 0.0); 10];
    for (confidence, right) in sure {
        let bin = &mut bins[((confidence * 10.0) as usize).min(9)];
        bin.0 += 1.0;
        bin.1 += confidence;
        bin.2 += f64::from(u8::from(*right));
    }
    let gap = |(n, c, r): &(f64, f64, f64)| if *n > 0.0 { (c - r).abs() } else { 0.0 };
    Some(bins.iter().map(gap).sum::<f64>() / sure.len() as f64)
}

/// Marks and predictions as columns.
#[must_use]
pub fn columns<'a>(pairs: impl IntoIterator<Item = &'a Pair>) -> (Vec<f64>, Vec<f64>) {
    pairs.into_iter().map(|p| (p.human, p.predicted)).unzip()
}

fn by_question(pairs: &[Pair]) -> BTreeMap<usize, Vec<&Pair>> {
    let mut groups: BTreeMap<usize, Vec<&Pair>> = BTreeMap::new();
    for p in pairs {
        groups.entry(p.question).or_default().push(p);
    }
    groups
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> Option<f64> {
    let n = values.len();
    (n > 0).then(|| values.sum::<f64>() / n as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: Option<f64>, b: f64) -> bool {
        a.is_some_and(|a| (a - b).abs() < 1e-6)
    }

    fn pairs(rows: &[(usize, f64, f64, usize)]) -> Vec<Pair> {
        rows.iter().map(|&(question, human, predicted, words)| Pair { question, human, predicted, words }).collect()
    }

    #[test]
    fn correlations_agree_with_hand_counts() {
        assert!(close(pearson(&[1.0, 2.0, 3.0], &[2.0, 4.0, 6.0]), 1.0));
        assert!(close(pearson(&[1.0, 2.0, 3.0, 4.0], &[1.0, 3.0, 2.0, 4.0]), 0.8));
        assert_eq!(pearson(&[1.0, 1.0], &[1.0, 2.0]), None);
        assert_eq!(ranks(&[10.0, 20.0, 20.0, 5.0]), [2.0, 3.5, 3.5, 1.0]);
        assert!(close(spearman(&[1.0, 2.0, 3.0], &[1.0, 10.0, 100.0]), 1.0));
    }

    #[test]
    fn kappa_of_two_levels_is_cohens() {
        // 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: observed .7, expected .5, kappa .4.
        let rows = [(1.0, 1.0, 20), (1.0, 0.0, 5), (0.0, 1.0, 10), (0.0, 0.0, 15)];
        let (mut human, mut predicted) = (Vec::new(), Vec::new());
        for (h, p, n) in rows {
            human.extend(vec![h; n]);
            predicted.extend(vec![p; n]);
        }
        assert!(close(quadratic_kappa(&human, &predicted, 2), 0.4));
        assert!(close(quadratic_kappa(&[0.0, 0.5, 1.0], &[0.0, 0.5, 1.0], 3), 1.0));
        assert_eq!(quadratic_kappa(&[1.0, 1.0], &[1.0, 1.0], 3), None);
    }

    #[test]
    fn pairs_are_compared_within_a_question_only() {
        let rows = pairs(&[(0, 0.0, 0.1, 5), (0, 1.0, 0.9, 5), (1, 0.0, 0.8, 5), (1, 1.0, 0.8, 5)]);
        assert!(close(pairwise_accuracy(&rows), 0.75));
        assert_eq!(pairwise_accuracy(&rows[..1]), None);
    }

    #[test]
    fn the_length_slope_is_taken_at_equal_marks() {
        // Twice the words, 0.1 more, at each mark; the mark itself goes with length and must not count.
        let rows = pairs(&[(0, 0.0, 0.1, 10), (0, 0.0, 0.2, 20), (0, 1.0, 0.7, 100), (0, 1.0, 0.8, 200)]);
        assert!(close(length_slope(&rows), 0.1));
        assert!(close(mean_absolute_error(&rows), 0.2));
        assert!(close(within_one_step(&rows, 5), 0.75));
    }

    #[test]
    fn calibration_error_of_an_honest_and_of_an_overconfident_grader() {
        let honest: Vec<(f64, bool)> = (0..10).map(|k| (0.8, k < 8)).collect();
        assert!(close(expected_calibration_error(&honest), 0.0));
        let proud: Vec<(f64, bool)> = (0..10).map(|k| (1.0, k < 5)).collect();
        assert!(close(expected_calibration_error(&proud), 0.5));
    }
}
