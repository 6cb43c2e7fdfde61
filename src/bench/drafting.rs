//! What a draft model brings: the same words written without and with it, on requests as an interview makes them.

use crate::engine::{Engine, EngineError, Finished, GenerateRequest, Priority, Prompt};

/// All requests once, without and with drafts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Round {
    /// Tokens a second without, the first token of each text not counted.
    pub plain: f64,
    /// With.
    pub drafted: f64,
    /// Tokens written.
    pub tokens: usize,
    /// Of those, proposed by the draft model and right.
    pub accepted: usize,
    /// Proposed in all.
    pub proposed: usize,
}

impl Round {
    /// Share of what was written that the draft model wrote.
    #[must_use]
    pub fn drafted_share(&self) -> f64 {
        self.accepted as f64 / self.tokens.max(1) as f64
    }

    /// Share of what the draft model proposed that was right.
    #[must_use]
    pub fn accepted_share(&self) -> f64 {
        self.accepted as f64 / self.proposed.max(1) as f64
    }
}

/// The requests: each answer of `drafting.toml` with each thing asked about it.
#[must_use]
pub fn prompts() -> Vec<Prompt> {
    #[derive(serde::Deserialize)]
    struct Answer {
        question: String,
        answer: String,
    }
    #[derive(serde::Deserialize)]
    struct File {
        system: String,
        asks: Vec<String>,
        answer: Vec<Answer>,
    }
    let file: File = toml::from_str(include_str!("drafting.toml")).expect("the requests do not parse. This is a bug.");
    let about = |answer: &Answer| {
        Prompt::system(file.system.clone()).assistant(answer.question.clone()).user(answer.answer.clone())
    };
    let asked = |answer: &Answer| file.asks.iter().map(|ask| about(answer).user(ask.clone())).collect::<Vec<_>>();
    file.answer.iter().flat_map(asked).collect()
}

/// Writes at most `tokens` tokens for each request, in turn without and with drafts, `rounds` times after one that is not
/// counted.
///
/// # Errors
/// What a generation fails with; [`EngineError::Inference`] when a draft changed a text.
pub async fn measure(
    plain: &Engine,
    drafted: &Engine,
    tokens: usize,
    rounds: usize,
) -> Result<Vec<Round>, EngineError> {
    let mut all = Vec::with_capacity(rounds);
    for number in 0..=rounds {
        let mut round = Round::default();
        let (mut seconds, mut seconds_drafted, mut counted) = (0.0, 0.0, 0);
        for prompt in prompts() {
            let request = GenerateRequest { priority: Priority::Background, ..GenerateRequest::new(prompt, tokens) };
            let without = plain.generate(request.clone())?.finished().await?;
            let with = drafted.generate(request)?.finished().await?;
            if without.text != with.text {
                let what = format!("with drafts {:?}, without {:?}. This is a bug.", with.text, without.text);
                return Err(EngineError::Inference(what));
            }
            seconds += writing(&without);
            seconds_drafted += writing(&with);
            counted += with.usage.completion_tokens.saturating_sub(1);
            round.tokens += with.usage.completion_tokens;
            round.proposed += with.usage.drafted_tokens;
            round.accepted += with.usage.accepted_tokens;
        }
        (round.plain, round.drafted) = (counted as f64 / seconds, counted as f64 / seconds_drafted);
        if number > 0 {
            all.push(round);
        }
    }
    Ok(all)
}

fn writing(finished: &Finished) -> f64 {
    finished.usage.seconds - finished.usage.first_token_seconds
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::tiny::Tiny;
    use crate::engine::{DraftOptions, LoadOptions};

    #[tokio::test]
    async fn drafts_are_counted_and_change_nothing() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("tiny.gguf");
        Tiny::default().write(&path).expect("a file");
        let options = LoadOptions { threads: 1, cache_bytes: 32 << 20, ..LoadOptions::default() };
        let plain = Engine::load(&path, &options).expect("loads");
        let draft = Some(DraftOptions { path: path.clone(), cache_bytes: 32 << 20 });
        let drafted = Engine::load(&path, &LoadOptions { draft, ..options }).expect("loads");
        let rounds = measure(&plain, &drafted, 12, 1).await.expect("words");
        let [round] = rounds[..] else { panic!("one round: {rounds:?}") };
        assert!(round.tokens > 0 && round.accepted <= round.proposed && round.plain > 0.0, "{round:?}");
        assert_eq!(round.accepted, round.proposed, "the same model is always right: {round:?}");
    }
}
