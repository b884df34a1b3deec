//! Where an exporter keeps its state. A retained claim has no owner, so that it outlives its monitor; the label with the
//! monitor's name lets the next monitor of that name take it up again.

use crds::valid::State;
use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, PersistentVolumeClaimSpec, VolumeResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::{Wanted, meta};

pub(super) fn claim(wanted: Wanted<'_>) -> Option<PersistentVolumeClaim> {
    let State::VolumeClaim {
        size,
        storage_class,
        retain,
    } = &wanted.monitor.state
    else {
        return None;
    };
    let meta = meta(wanted);
    Some(PersistentVolumeClaim {
        metadata: ObjectMeta {
            owner_references: meta.owner_references.filter(|_| !retain),
            ..meta
        },
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
            resources: Some(VolumeResourceRequirements {
                requests: Some([("storage".to_owned(), Quantity(size.clone()))].into()),
                ..VolumeResourceRequirements::default()
            }),
            storage_class_name: storage_class.clone(),
            ..PersistentVolumeClaimSpec::default()
        }),
        ..PersistentVolumeClaim::default()
    })
}
