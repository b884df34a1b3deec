//! Writes `crds/generated/featuremonitors.featuremonitor.io.yaml`; `make generate` runs it.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/generated/featuremonitors.featuremonitor.io.yaml"
    );
    std::fs::write(path, crds::schema::crd_yaml()?)?;
    println!("{path}");
    Ok(())
}
