//! A running piece of work that many may listen to: who comes late hears everything from the beginning.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

/// The events told so far, and who listens.
pub(super) struct Telling<E> {
    told: Mutex<Told<E>>,
}

struct Told<E> {
    events: Vec<E>,
    listeners: Vec<mpsc::UnboundedSender<E>>,
    ended: bool,
}

impl<E: Clone> Telling<E> {
    pub(super) fn new() -> Self {
        Self { told: Mutex::new(Told { events: Vec::new(), listeners: Vec::new(), ended: false }) }
    }

    /// Tells all listeners; those that left are forgotten. Nothing is told after the end.
    pub(super) fn tell(&self, event: E) {
        let mut told = self.told();
        if !told.ended {
            told.listeners.retain(|listener| listener.send(event.clone()).is_ok());
            told.events.push(event);
        }
    }

    /// Ends the telling with a last event, unless it has ended.
    pub(super) fn end(&self, last: E) {
        self.tell(last);
        let mut told = self.told();
        told.ended = true;
        told.listeners.clear();
    }

    /// Everything told so far, then the rest as it comes.
    pub(super) fn listen(&self) -> mpsc::UnboundedReceiver<E> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut told = self.told();
        for event in &told.events {
            // The receiver is in our hand: sending cannot fail.
            let _ = sender.send(event.clone());
        }
        if !told.ended {
            told.listeners.push(sender);
        }
        receiver
    }

    fn told(&self) -> MutexGuard<'_, Told<E>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(mut receiver: mpsc::UnboundedReceiver<u32>) -> Vec<u32> {
        std::iter::from_fn(|| receiver.try_recv().ok()).collect()
    }

    #[test]
    fn a_late_listener_hears_everything_and_an_early_one_hears_it_once() {
        let telling = Telling::new();
        let early = telling.listen();
        telling.tell(1);
        let middle = telling.listen();
        telling.tell(2);
        telling.end(3);
        telling.tell(4);
        for receiver in [early, middle, telling.listen()] {
            assert_eq!(heard(receiver), [1, 2, 3]);
        }
    }

    #[test]
    fn a_listener_that_left_stops_nobody() {
        let telling = Telling::new();
        drop(telling.listen());
        let stays = telling.listen();
        telling.tell(7);
        assert_eq!(heard(stays), [7]);
    }
}
