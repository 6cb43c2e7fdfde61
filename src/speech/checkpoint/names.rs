//! From CTranslate2's names to Hugging Face's. CTranslate2 joins the projections of query, key and value into one matrix;
//! here they are taken apart again.

use std::collections::{BTreeMap, HashMap};

use candle_core::Tensor;

use super::CheckpointError;

/// Every tensor that a Whisper has, under its original name. Settings and tables that follow from the shapes are left out.
pub(super) fn renamed(tensors: BTreeMap<String, Tensor>) -> Result<HashMap<String, Tensor>, CheckpointError> {
    let mut out = HashMap::new();
    for (name, tensor) in tensors {
        let Some((side, rest)) = name.split_once('/') else { continue };
        let model = format!("model.{side}");
        match rest.split('/').collect::<Vec<_>>()[..] {
            ["embeddings", "weight"] => put(&mut out, format!("{model}.embed_tokens.weight"), tensor),
            ["position_encodings", "encodings"] => put(&mut out, format!("{model}.embed_positions.weight"), tensor),
            [conv @ ("conv1" | "conv2"), part] => put(&mut out, format!("{model}.{conv}.{part}"), tensor),
            ["layer_norm", part] => put(&mut out, format!("{model}.layer_norm.{}", norm(part)), tensor),
            [layer, block, inner @ ("layer_norm" | "linear_0" | "linear_1" | "linear_2"), part] => {
                let Some(number) = layer.strip_prefix("layer_") else { continue };
                let layer = format!("{model}.layers.{number}");
                layer_part(&mut out, &layer, (block, inner, part), tensor)?;
            }
            _ => {}
        }
    }
    Ok(out)
}

fn put(out: &mut HashMap<String, Tensor>, name: String, tensor: Tensor) {
    out.insert(name, tensor);
}

fn norm(part: &str) -> &str {
    match part {
        "gamma" => "weight",
        "beta" => "bias",
        other => other,
    }
}

fn layer_part(
    out: &mut HashMap<String, Tensor>,
    layer: &str,
    (block, inner, part): (&str, &str, &str),
    tensor: Tensor,
) -> Result<(), CheckpointError> {
    let attention = match block {
        "self_attention" => "self_attn",
        "attention" => "encoder_attn",
        "ffn" => {
            let name = match inner {
                "layer_norm" => format!("{layer}.final_layer_norm.{}", norm(part)),
                "linear_0" => format!("{layer}.fc1.{part}"),
                _ => format!("{layer}.fc2.{part}"),
            };
            put(out, name, tensor);
            return Ok(());
        }
        _ => return Ok(()),
    };
    let projections: &[&str] = match (block, inner) {
        (_, "layer_norm") => {
            put(out, format!("{layer}.{attention}_layer_norm.{}", norm(part)), tensor);
            return Ok(());
        }
        ("self_attention", "linear_0") => &["q_proj", "k_proj", "v_proj"],
        ("attention", "linear_0") => &["q_proj"],
        ("attention", "linear_1") => &["k_proj", "v_proj"],
        _ => &["out_proj"],
    };
    let rows = tensor.dims().first().copied().unwrap_or(0);
    if !rows.is_multiple_of(projections.len()) {
        return Err(CheckpointError::corrupt(format!("{layer}.{attention} has {rows} rows")));
    }
    let each = rows / projections.len();
    for (index, projection) in projections.iter().enumerate() {
        put(out, format!("{layer}.{attention}.{projection}.{part}"), tensor.narrow(0, index * each, each)?);
    }
    Ok(())
}
