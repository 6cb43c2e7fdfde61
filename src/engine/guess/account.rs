//! Whether guessing pays: right tokens, each of which saves a pass, against what guesses cost, in passes.

/// After giving up, guesses left out until the next try.
const PAUSE: usize = 24;

/// What guesses brought and cost of late.
#[derive(Debug)]
pub(super) struct Account {
    /// Weight of what was before, 0 to 1.
    memory: f32,
    brought: f32,
    cost: f32,
    pause: usize,
}

impl Account {
    /// Opened with some credit, so that the first guesses are tried.
    pub(super) fn new(memory: f32) -> Self {
        Self { memory, brought: 2.0, cost: 1.0, pause: 0 }
    }

    /// Whether no guess is to be made now; counts a pause down.
    pub(super) fn rests(&mut self) -> bool {
        let rests = self.pause > 0;
        self.pause = self.pause.saturating_sub(1);
        rests
    }

    /// Notes a guess of which so many tokens were right.
    pub(super) fn note(&mut self, right: usize, cost: f32) {
        let blend = |before: f32, now: f32| self.memory * before + (1.0 - self.memory) * now;
        (self.brought, self.cost) = (blend(self.brought, right as f32), blend(self.cost, cost));
        if self.brought < self.cost {
            self.pause = PAUSE;
            // Two guesses without a right token end the next try too.
            self.brought = self.cost / self.memory;
        }
    }
}
