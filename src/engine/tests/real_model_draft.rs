//! A draft model on the real pair: the same 64 tokens with and without it. Needs the models installed.

#[expect(dead_code, reason = "whole engines are loaded here, not the parts that other tests drive")]
mod installed;

use installed::{LARGE, MIDDLE, SMALL, path};
use offrecord_engine::{DraftOptions, Engine, GenerateRequest, LoadError, LoadOptions, Prompt};

fn load(draft: Option<&str>) -> Result<Engine, LoadError> {
    let draft = draft.map(|id| DraftOptions { path: path(id), cache_bytes: 64 << 20 });
    Engine::load(&path(LARGE), &LoadOptions { draft, cache_bytes: 128 << 20, ..LoadOptions::default() })
}

#[tokio::test]
async fn the_middle_model_drafts_for_the_large_one_and_changes_no_word() {
    let prompts = [
        "What happens when the power fails while a database writes its log? Answer in three sentences.",
        "Write a function in Rust that returns the longest word of a sentence.",
    ];
    let asked = |text: &str| GenerateRequest::new(Prompt::system("You are a helpful engineer.").user(text), 64);
    let alone = load(None).expect("loads");
    let mut plain = Vec::new();
    for text in prompts {
        plain.push(alone.generate(asked(text)).expect("room").finished().await.expect("words"));
    }
    drop(alone);
    let drafted = load(Some(MIDDLE)).expect("loads");
    for (text, plain) in prompts.iter().zip(plain) {
        let said = drafted.generate(asked(text)).expect("room").finished().await.expect("words");
        println!("{:?}", said.usage);
        assert_eq!((said.text, said.finish), (plain.text, plain.finish));
        assert_eq!(said.usage.completion_tokens, plain.usage.completion_tokens);
        assert!(said.usage.accepted_tokens > 0, "not one drafted token was right: {:?}", said.usage);
    }
}

#[test]
fn a_model_of_another_vocabulary_cannot_draft() {
    let Err(error) = load(Some(SMALL)) else { panic!("an engine with two vocabularies") };
    assert!(matches!(&error, LoadError::Vocabulary(_)), "{error}");
    assert!(error.to_string().contains("49152 tokens instead of"), "{error}");
}
