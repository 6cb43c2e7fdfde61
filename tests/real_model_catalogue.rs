//! What the catalogue says of the tested models is what their files say of themselves.

use offrecord::catalogue::{Catalogue, locate};
use offrecord::config::Global;
use offrecord::engine::gguf::{File, Hyperparameters};

#[test]
fn the_catalogue_agrees_with_the_files() {
    let models_dir = std::env::var_os("OFFRECORD_MODELS_DIR").map(Into::into);
    let models_dir = Global { models_dir, ..Global::default() }.dirs().expect("a models folder").models;
    let catalogue = Catalogue::load().expect("the catalogue");
    for entry in catalogue.entries.iter().filter(|entry| entry.tested) {
        let model = locate(&catalogue, &models_dir, entry.id.as_str())
            .unwrap_or_else(|error| panic!("{error} (looked in {})", models_dir.display()));
        assert_eq!(model.size, entry.size, "{}", entry.id);
        let file = File::open(&model.path).expect("a sound file");
        let hyper = Hyperparameters::read(&file).expect("sound hyper-parameters");
        let said = (hyper.architecture.name(), hyper.blocks, hyper.kv_heads, hyper.key_width, hyper.context);
        let listed = (entry.architecture.as_str(), entry.layers, entry.kv_heads, entry.head_dim, entry.context);
        assert_eq!(said, listed, "{}", entry.id);
        let file_type = file.unsigned("general.file_type");
        let expected = match entry.quantisation.as_str() {
            "Q4_1" => 3,
            "Q4_K_M" => 15,
            other => panic!("{}: add the number of {other}", entry.id),
        };
        assert_eq!(file_type, Some(expected), "{}", entry.id);
        // These families tie the output matrix to the embedding; some files store it a second time.
        let own = file.tensors().iter().filter(|(name, _)| name.as_str() != "output.weight");
        let counted: u64 = own.map(|(_, tensor)| tensor.elements() as u64).sum();
        assert_eq!(counted, entry.parameters, "{}: parameters", entry.id);
    }
}
