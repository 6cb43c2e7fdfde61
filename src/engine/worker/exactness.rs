//! The engine as a whole, over tiny real models: what was asked together, in pieces, after edits, with hardly any cache
//! or with damaged weights gives what it gives alone, or an error that says so.

use candle_core::quantized::GgmlDType;

use super::*;
use crate::gguf::{Architecture, File};
use crate::handle::Engine;
use crate::kernels::CacheType;
use crate::load::LoadOptions;
use crate::prompt::Prompt;
use crate::request::{Choice, ChooseRequest, Event, Finished, GenerateRequest, Scored};
use crate::tiny::Tiny;

const FAMILIES: [Architecture; 3] = [Architecture::Qwen2, Architecture::Gemma3, Architecture::Phi3];

fn options() -> LoadOptions {
    LoadOptions { threads: 1, cache_bytes: 16 << 20, ..LoadOptions::default() }
}

fn engine(architecture: Architecture, options: &LoadOptions) -> Engine {
    Engine::of_file(Tiny::new(architecture, GgmlDType::Q8_0).file(), options).expect("loads")
}

fn prompt(answer: &str) -> Prompt {
    Prompt::system("You interview people about caches and queues.").user(answer)
}

async fn say(engine: &Engine, answer: &str) -> Result<Finished, EngineError> {
    engine.generate(GenerateRequest::new(prompt(answer), 12)).expect("room").finished().await
}

fn questions(answer: &str) -> ChooseRequest {
    let ask = |ask: &str| Choice {
        prompt: prompt(answer).assistant("Read.").user(ask),
        options: ["Yes", "No", "Not at all"].map(str::to_owned).to_vec(),
    };
    let choices = vec![ask("Is it fast?"), ask("Is it?"), ask("Was anything said about what happens at night?")];
    ChooseRequest { choices, hidden: true, priority: Priority::Interactive }
}

/// All numbers of all judgements, as bits.
fn bits(scored: &[Scored]) -> Vec<u32> {
    let numbers = |one: &Scored| [one.log_probs.clone(), one.hidden.clone().unwrap_or_default()].concat();
    scored.iter().flat_map(numbers).map(f32::to_bits).collect()
}

#[tokio::test]
async fn drafted_and_edited_is_typed_at_once() {
    let answer = "I would shard the cache by user, and warm it at night from the replica. ".repeat(3);
    let drafts = ["I would", "I would shard by tenant", &answer[..40], "I", &answer[..150], &answer[..149]];
    for architecture in FAMILIES {
        for cache_type in [CacheType::F16, CacheType::Q8] {
            let options = LoadOptions { cache_type, ..options() };
            let edited = engine(architecture, &options);
            for draft in drafts {
                edited.prefill(prompt(draft), Priority::Background).await.expect("reads");
            }
            let at_once = engine(architecture, &options);
            let one = bits(&edited.choose(questions(&answer)).await.expect("judgements"));
            assert!(one == bits(&at_once.choose(questions(&answer)).await.expect("judgements")), "{architecture:?}");
            let words = say(&edited, &answer).await.expect("words").text;
            assert_eq!(words, say(&engine(architecture, &options), &answer).await.expect("words").text);
        }
    }
}

#[tokio::test]
async fn asked_together_is_asked_alone() {
    for architecture in FAMILIES {
        let together = engine(architecture, &options());
        let answers: Vec<String> = (0..5).map(|n| format!("Answer {n}: {}", "more words. ".repeat(9 * n))).collect();
        let words = answers.iter().map(|answer| {
            let generation = together.generate(GenerateRequest::new(prompt(answer), 12)).expect("room");
            (answer, generation)
        });
        let words: Vec<_> = words.collect();
        let judged = bits(&together.choose(questions(&answers[2])).await.expect("judgements"));
        for (answer, generation) in words {
            let alone = say(&engine(architecture, &options()), answer).await.expect("words").text;
            assert_eq!(generation.finished().await.expect("words").text, alone, "{architecture:?}");
        }
        let alone = engine(architecture, &options()).choose(questions(&answers[2])).await.expect("judgements");
        assert!(judged == bits(&alone), "{architecture:?}");
    }
}

#[tokio::test]
async fn drafted_by_another_model_is_written_alone() {
    for architecture in FAMILIES {
        let tiny = |blocks, seed| Tiny { blocks, seed, ..Tiny::new(architecture, GgmlDType::Q8_0) }.file();
        let alone = Engine::of_file(tiny(2, 1), &options()).expect("loads");
        // One that is always right, and one that knows nothing.
        for draft in [tiny(2, 1), tiny(1, 7)] {
            let drafted = Engine::of_files(tiny(2, 1), Some(draft), &options()).expect("loads");
            for answer in ["", "We cache it.", "The cache and the queue and the cache and the replica."] {
                let (one, two) =
                    (say(&drafted, answer).await.expect("words"), say(&alone, answer).await.expect("words"));
                assert_eq!(one.text, two.text, "{architecture:?}");
                assert!(one.usage.accepted_tokens <= one.usage.drafted_tokens && two.usage.drafted_tokens == 0);
            }
        }
    }
}

#[tokio::test]
async fn hidden_states_come_from_every_family_of_the_fast_path() {
    use Architecture::{Gemma3, Glm4, Llama, Phi3, Qwen2, Qwen3, Qwen3Moe};
    for architecture in [Llama, Qwen2, Qwen3, Gemma3, Phi3, Glm4, Qwen3Moe] {
        let engine = engine(architecture, &options());
        let scored = engine.choose(questions("It is warm.")).await.expect("judgements");
        for one in scored {
            let state = one.hidden.expect("asked for");
            let size = state.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>() / state.len() as f64;
            assert!(state.len() == engine.info().hidden_size && (0.5..2.0).contains(&size), "{architecture:?} {size}");
        }
    }
}

/// Weights that are not numbers, where a model of that many bytes has them.
fn poisoned(tensor: &str, dtype: GgmlDType) -> File {
    let tiny = Tiny { embedding: GgmlDType::F32, ..Tiny::new(Architecture::Qwen2, dtype) };
    let place = tiny.file().tensors()[tensor].clone();
    let mut bytes = tiny.bytes();
    // Every float, every half and every scale of these is not a number.
    bytes[place.offset..place.offset + place.bytes].fill(0xff);
    File::from_bytes(bytes).expect("a valid header")
}

#[tokio::test]
async fn weights_that_are_no_numbers_are_an_error_and_not_a_text() {
    for (tensor, dtype) in [
        ("blk.0.ffn_up.weight", GgmlDType::F32),
        ("blk.1.attn_v.weight", GgmlDType::F16),
        ("blk.0.attn_q.weight", GgmlDType::Q8_0),
        ("blk.1.ffn_down.weight", GgmlDType::Q4K),
        ("blk.0.attn_norm.weight", GgmlDType::Q4_0),
        ("token_embd.weight", GgmlDType::Q5_1),
    ] {
        for cache_type in [CacheType::F16, CacheType::Q8] {
            let engine = Engine::of_file(poisoned(tensor, dtype), &LoadOptions { cache_type, ..options() });
            let engine = engine.expect("nothing is wrong with the header");
            for _ in 0..2 {
                let said = say(&engine, "Hello").await;
                assert!(matches!(said, Err(EngineError::Inference(_))), "{tensor} {dtype:?}: {said:?}");
                let judged = engine.choose(questions("Hello")).await;
                assert!(matches!(judged, Err(EngineError::Inference(_))), "{tensor} {dtype:?}: {judged:?}");
            }
        }
    }
}

#[tokio::test]
async fn hardly_any_cache_is_slow_or_an_error_and_never_another_text() {
    let page = 2 * 2 * 64 * 128 * 2;
    let plenty = engine(Architecture::Qwen2, &options());
    let (text, judged) = (say(&plenty, "Hi").await.expect("words").text, plenty.choose(questions("Hi")).await);
    let judged = bits(&judged.expect("judgements"));
    for cache_bytes in [0, 1, page - 1, page, 2 * page, 3 * page, 4 * page, 12 * page] {
        let engine = engine(Architecture::Qwen2, &LoadOptions { cache_bytes, force: true, ..options() });
        for _ in 0..2 {
            match say(&engine, "Hi").await {
                Ok(said) => assert_eq!(said.text, text, "{cache_bytes} bytes"),
                Err(error) => {
                    assert!(cache_bytes < 3 * page, "{cache_bytes} bytes: {error}");
                    assert!(error.to_string().contains("raise the cache's budget"), "{error}");
                }
            }
            match engine.choose(questions("Hi")).await {
                Ok(scored) => assert!(bits(&scored) == judged, "{cache_bytes} bytes"),
                Err(error) => assert!(cache_bytes < 12 * page, "{cache_bytes} bytes: {error}"),
            }
        }
    }
}

#[tokio::test]
async fn prompts_without_a_common_beginning_and_without_words_are_judged() {
    let engine = engine(Architecture::Qwen2, &options());
    let odd = |prompt: Prompt| Choice { prompt, options: vec!["Yes".into(), "No".into()] };
    let prompts =
        [Prompt::default(), Prompt::system(""), Prompt::default().user(""), Prompt::default().answering("Yes, ")];
    let choices: Vec<Choice> = prompts.iter().cloned().map(odd).collect();
    let request = |choices| ChooseRequest { choices, hidden: false, priority: Priority::Interactive };
    let together = engine.choose(request(choices.clone())).await.expect("judgements");
    for (choice, scored) in choices.into_iter().zip(together) {
        let fresh = self::engine(Architecture::Qwen2, &options());
        assert_eq!(bits(&fresh.choose(request(vec![choice])).await.expect("judgement")), bits(&[scored]));
    }
    for prompt in prompts {
        engine.prefill(prompt.clone(), Priority::Background).await.expect("reads");
        engine.generate(GenerateRequest::new(prompt, 3)).expect("room").finished().await.expect("words");
    }
}

#[tokio::test]
async fn the_context_ends_a_text_and_refuses_a_longer_prompt() {
    for architecture in FAMILIES {
        let engine = engine(architecture, &LoadOptions { context: 100, ..options() });
        let request = GenerateRequest { max_tokens: 5000, ..GenerateRequest::new(Prompt::default().user("Hi"), 1) };
        let said = engine.generate(request).expect("room").finished().await.expect("words");
        assert!(said.usage.prompt_tokens + said.usage.completion_tokens <= 100, "{:?}", said.usage);
        let long = "words and words and words and words and words ".repeat(4);
        assert!(matches!(say(&engine, &long).await, Err(EngineError::ContextOverflow { context: 100, .. })));
        let judged = engine.choose(questions(&long)).await;
        assert!(matches!(judged, Err(EngineError::ContextOverflow { context: 100, .. })), "{judged:?}");
        let read = engine.prefill(prompt(&long), Priority::Background).await;
        assert!(matches!(read, Err(EngineError::ContextOverflow { context: 100, .. })), "{read:?}");
        assert!(engine.prefill(Prompt::default().user("Hi"), Priority::Background).await.is_ok());
    }
}

#[tokio::test]
async fn cancelled_at_any_step_the_next_answer_is_the_same() {
    let busy = engine(Architecture::Qwen2, &options());
    let plain = engine(Architecture::Qwen2, &options());
    let want = bits(&plain.choose(questions("It is warm.")).await.expect("judgements"));
    let text = say(&plain, "It is warm.").await.expect("words").text;
    for steps in 0..14 {
        // A text is dropped after so many events, a judgement and a draft while they run.
        let mut generation = busy.generate(GenerateRequest::new(prompt("It is warm."), 64)).expect("room");
        for _ in 0..steps {
            if matches!(generation.next().await, None | Some(Event::Done(_) | Event::Failed(_))) {
                break;
            }
        }
        let mut judging = Box::pin(busy.choose(questions("It is warm.")));
        let mut reading = Box::pin(busy.prefill(prompt("It is warm. And"), Priority::Background));
        for _ in 0..steps {
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            let _ = judging.as_mut().poll(&mut context);
            let _ = reading.as_mut().poll(&mut context);
            tokio::task::yield_now().await;
        }
        drop((generation, judging, reading));
        assert!(bits(&busy.choose(questions("It is warm.")).await.expect("judgements")) == want, "after {steps} steps");
        assert_eq!(say(&busy, "It is warm.").await.expect("words").text, text, "after {steps} steps");
    }
}
