//! Extremely randomised trees (Geurts, Ernst and Wehenkel, 2006): a few dozen shallow trees with random cuts, averaged.
//!
//! Chosen over a ridge because it transfers better to new questions on the surface features (see `benches/LOG.md`). The
//! same rows and seed give the same trees on every machine.

use serde::{Deserialize, Serialize};

/// How trees are grown.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Growth {
    /// Number of trees.
    pub trees: usize,
    /// Fewest rows of a leaf.
    pub leaf: usize,
    /// Share of the features tried at each cut.
    pub tried: f64,
    /// Seed.
    pub seed: u64,
}

/// A grown forest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forest {
    /// Number of features of a row.
    pub width: usize,
    trees: Vec<Tree>,
}

/// Nodes by index; the right child follows the left. A leaf has no feature (-1) and a value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Tree {
    feature: Vec<i32>,
    cut: Vec<f32>,
    left: Vec<u32>,
    value: Vec<f32>,
}

impl Forest {
    /// Grows trees on `rows` towards `targets`, each row weighing `importance`. Values that are not finite count as 0.
    ///
    /// # Panics
    /// When rows differ in number from targets: a bug of the caller.
    #[must_use]
    pub fn grow(rows: &[Vec<f64>], targets: &[f64], importance: &[f64], growth: &Growth) -> Self {
        assert!(
            rows.len() == targets.len() && rows.len() == importance.len(),
            "rows and targets differ. This is a bug."
        );
        let width = rows.first().map_or(0, Vec::len);
        let rows: Vec<Vec<f32>> = rows.iter().map(|r| r.iter().map(|v| plain(*v)).collect()).collect();
        let trees = (0..growth.trees)
            .map(|k| {
                let random = Random(growth.seed.wrapping_mul(1_000_003).wrapping_add(k as u64));
                let mut grower = Grower { rows: &rows, targets, importance, growth, random, tree: Tree::default() };
                grower.grow((0..rows.len()).collect());
                grower.tree
            })
            .collect();
        Self { width, trees }
    }

    /// Mean of the trees for one row; missing features count as 0.
    #[must_use]
    pub fn predict(&self, row: &[f64]) -> f64 {
        let row: Vec<f32> = row.iter().map(|v| plain(*v)).collect();
        let sum: f64 = self.trees.iter().map(|t| f64::from(t.predict(&row))).sum();
        sum / self.trees.len().max(1) as f64
    }

    /// Whether every index in it is sound: a file may be damaged.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.trees.iter().all(|t| {
            let n = t.feature.len();
            n > 0
                && t.cut.len() == n
                && t.left.len() == n
                && t.value.len() == n
                && (0..n).all(|i| {
                    let inner = t.feature[i] >= 0;
                    // Children come after their parent, so that every walk ends.
                    !inner
                        || ((t.feature[i] as usize) < self.width
                            && t.left[i] as usize > i
                            && (t.left[i] as usize) + 1 < n)
                })
        })
    }
}

impl Tree {
    fn predict(&self, row: &[f32]) -> f32 {
        let mut node = 0;
        while let Ok(feature) = usize::try_from(self.feature[node]) {
            let right = row.get(feature).copied().unwrap_or(0.0) > self.cut[node];
            node = self.left[node] as usize + usize::from(right);
        }
        self.value[node]
    }
}

struct Grower<'a> {
    rows: &'a [Vec<f32>],
    targets: &'a [f64],
    importance: &'a [f64],
    growth: &'a Growth,
    random: Random,
    tree: Tree,
}

impl Grower<'_> {
    /// Grows from all rows, without recursion: a list of nodes that wait for their rows to be cut.
    fn grow(&mut self, all: Vec<usize>) {
        self.add();
        let mut open = vec![(0, all)];
        while let Some((node, rows)) = open.pop() {
            match self.best_cut(&rows) {
                None => {
                    let (weight, sum) = self.sums(&rows);
                    self.tree.value[node] = ((sum / weight.max(1e-12)) * 1e4).round() as f32 / 1e4;
                }
                Some((feature, cut)) => {
                    let (right, left): (Vec<usize>, Vec<usize>) =
                        rows.into_iter().partition(|&i| self.rows[i][feature] > cut);
                    let first = self.add();
                    self.add();
                    self.tree.feature[node] = feature as i32;
                    self.tree.cut[node] = cut;
                    self.tree.left[node] = first as u32;
                    open.push((first, left));
                    open.push((first + 1, right));
                }
            }
        }
    }

    fn add(&mut self) -> usize {
        self.tree.feature.push(-1);
        self.tree.cut.push(0.0);
        self.tree.left.push(0);
        self.tree.value.push(0.0);
        self.tree.feature.len() - 1
    }

    fn sums(&self, rows: &[usize]) -> (f64, f64) {
        rows.iter().fold((0.0, 0.0), |(w, s), &i| (w + self.importance[i], s + self.importance[i] * self.targets[i]))
    }

    /// One random cut on each of some random features; the one that explains most.
    fn best_cut(&mut self, rows: &[usize]) -> Option<(usize, f32)> {
        if rows.len() < 2 * self.growth.leaf {
            return None;
        }
        let width = self.rows.first().map_or(0, Vec::len);
        let tries = ((width as f64 * self.growth.tried).ceil() as usize).clamp(1, width.max(1));
        let mut best: Option<(f64, usize, f32)> = None;
        for _ in 0..tries {
            let feature = self.random.under(width);
            let values = || rows.iter().map(|&i| self.rows[i][feature]);
            let (low, high) = (values().fold(f32::INFINITY, f32::min), values().fold(f32::NEG_INFINITY, f32::max));
            if low >= high {
                continue;
            }
            let cut = plain(f64::from(low + (high - low) * self.random.share()));
            let (mut left, mut right) = ((0usize, 0.0, 0.0), (0usize, 0.0, 0.0));
            for &i in rows {
                let side = if self.rows[i][feature] > cut { &mut right } else { &mut left };
                *side = (side.0 + 1, side.1 + self.importance[i], side.2 + self.importance[i] * self.targets[i]);
            }
            if left.0 < self.growth.leaf || right.0 < self.growth.leaf {
                continue;
            }
            // What the cut explains, but for a constant.
            let gain = left.2 * left.2 / left.1 + right.2 * right.2 / right.1;
            if best.is_none_or(|(most, _, _)| gain > most) {
                best = Some((gain, feature, cut));
            }
        }
        best.map(|(_, feature, cut)| (feature, cut))
    }
}

/// Four digits are enough for a cut, and keep the file small.
fn plain(value: f64) -> f32 {
    if value.is_finite() { ((value * 1e4).round() / 1e4) as f32 } else { 0.0 }
}

/// SplitMix64, as in the benchmarks.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn under(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    /// In (0, 1).
    fn share(&mut self) -> f32 {
        ((self.next() >> 40) as f32 + 0.5) / 16_777_216.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROWTH: Growth = Growth { trees: 20, leaf: 5, tried: 0.5, seed: 1 };

    fn data() -> (Vec<Vec<f64>>, Vec<f64>) {
        let rows: Vec<Vec<f64>> = (0..300).map(|k| vec![f64::from(k % 20), f64::from(k * 7 % 11), f64::NAN]).collect();
        let targets = rows.iter().map(|r| if r[0] > 9.0 && r[1] > 4.0 { 1.0 } else { 0.0 }).collect();
        (rows, targets)
    }

    #[test]
    fn a_rule_of_two_features_is_learnt_and_is_the_same_every_time() {
        let (rows, targets) = data();
        let forest = Forest::grow(&rows, &targets, &[1.0; 300], &GROWTH);
        assert_eq!(forest, Forest::grow(&rows, &targets, &[1.0; 300], &GROWTH));
        let right = rows.iter().zip(&targets).filter(|(r, t)| (forest.predict(r) > 0.5) == (**t > 0.5)).count();
        assert!(right > 270, "{right} of 300");
        assert!(forest.is_sound());
        let text = serde_json::to_string(&forest).expect("plain data");
        assert_eq!(serde_json::from_str::<Forest>(&text).ok(), Some(forest));
    }

    #[test]
    fn a_damaged_file_is_seen() {
        let (rows, targets) = data();
        let mut forest = Forest::grow(&rows, &targets, &[1.0; 300], &GROWTH);
        forest.trees[0].left[0] = 0;
        assert!(!forest.is_sound());
        assert!(!Forest { width: 3, trees: vec![Tree::default()] }.is_sound());
    }
}
