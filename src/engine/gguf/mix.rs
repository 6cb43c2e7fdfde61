//! The name of a file's mix of encodings, as people know it (`Q4_K_M`).

use std::collections::BTreeMap;

use super::File;

impl File {
    /// The mix that `general.file_type` names (the numbers of the GGUF specification), or the encoding of most bytes
    /// where the file does not say.
    #[must_use]
    pub fn quantisation(&self) -> String {
        let name = match self.unsigned("general.file_type") {
            Some(0) => "F32",
            Some(1) => "F16",
            Some(2) => "Q4_0",
            Some(3) => "Q4_1",
            Some(7) => "Q8_0",
            Some(8) => "Q5_0",
            Some(9) => "Q5_1",
            Some(10) => "Q2_K",
            Some(11) => "Q3_K_S",
            Some(12) => "Q3_K_M",
            Some(13) => "Q3_K_L",
            Some(14) => "Q4_K_S",
            Some(15) => "Q4_K_M",
            Some(16) => "Q5_K_S",
            Some(17) => "Q5_K_M",
            Some(18) => "Q6_K",
            Some(32) => "BF16",
            _ => return self.encoding_of_most_bytes(),
        };
        name.to_owned()
    }

    fn encoding_of_most_bytes(&self) -> String {
        let mut bytes = BTreeMap::new();
        for tensor in self.tensors().values() {
            *bytes.entry(format!("{:?}", tensor.dtype)).or_insert(0) += tensor.bytes;
        }
        bytes.into_iter().max_by_key(|(_, bytes)| *bytes).map_or_else(|| "unknown".into(), |(name, _)| name)
    }
}
