//! Which experts work on which row. Knows no weights.

/// Buffers of a layer with experts, kept between passes.
#[derive(Default)]
pub(super) struct Chosen {
    /// The router's, `[row][expert]`.
    pub(super) logits: Vec<f32>,
    /// What the experts read, `[row][width]`.
    pub(super) normal: Vec<f32>,
    /// What they add together.
    pub(super) sums: Vec<f32>,
}

/// One expert's work on one row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Route {
    pub(super) row: usize,
    pub(super) expert: usize,
    /// Weight of what it adds; those of a row sum to 1.
    pub(super) share: f32,
}

/// The `used` likeliest experts of every row, weighted by their probabilities among themselves. Of equals, the first.
pub(super) fn route(logits: &[f32], experts: usize, used: usize) -> Vec<Route> {
    let mut routes = Vec::with_capacity(logits.len() / experts * used);
    let mut order: Vec<usize> = Vec::with_capacity(experts);
    for (row, logits) in logits.chunks_exact(experts).enumerate() {
        order.clear();
        order.extend(0..experts);
        order.sort_by(|a, b| logits[*b].total_cmp(&logits[*a]).then(a.cmp(b)));
        let top = logits[order[0]];
        let weight = |expert: usize| (logits[expert] - top).exp();
        let total: f32 = order[..used].iter().map(|expert| weight(*expert)).sum();
        routes.extend(order[..used].iter().map(|expert| Route {
            row,
            expert: *expert,
            share: weight(*expert) / total,
        }));
    }
    routes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_share_the_work() {
        let routes = route(&[0.0, 2.0, 1.0, 2.0, 5.0, -1.0, 5.0, 0.0], 4, 2);
        let pairs: Vec<_> = routes.iter().map(|route| (route.row, route.expert)).collect();
        assert_eq!(pairs, [(0, 1), (0, 3), (1, 0), (1, 2)]);
        assert!(routes.iter().all(|route| route.share == 0.5));
        let softmax = |x: f32| x.exp() / (3.0_f32.exp() + 1.0_f32.exp());
        let routes = route(&[1.0, 3.0, 0.5], 3, 2);
        assert!((routes[0].share - softmax(3.0)).abs() < 1e-6 && (routes[1].share - softmax(1.0)).abs() < 1e-6);
        assert!(route(&[f32::NAN, 1.0], 2, 1)[0].share.is_nan());
    }
}
