//! Why a condition holds or does not, in one word.

use strum::{IntoStaticStr, VariantNames};

/// The operator's own words. A condition also repeats those of others: of the exporter about its source
/// ([`camel_case`](crate::words::camel_case) of what it says), and of Kubernetes about a pod that does not start.
///
/// Each stands in `docs/troubleshooting.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantNames)]
pub enum Reason {
    /// An optional API does not exist.
    ApiAbsent,
    /// Every object is as it shall be.
    Applied,
    /// The pod is ready, in its newest form.
    Available,
    /// An object is being deleted and is not gone.
    BeingDeleted,
    /// The exporter does not take the config.
    ConfigRefused,
    /// The exporter has not been asked yet.
    ExporterNotAsked,
    /// The exporter does not answer.
    ExporterUnreachable,
    /// An evaluation failed, and the exporter gives no reason.
    Failed,
    /// There is a baseline.
    Frozen,
    /// The exporter runs the spec.
    InForce,
    /// The Prometheus operator leaves an object out.
    LeftOut,
    /// An object of the needed name belongs to somebody else.
    NameTaken,
    /// There is no baseline.
    NoBaseline,
    /// There is no Deployment.
    NotDeployed,
    /// Nothing has been pulled yet.
    NotPulled,
    /// Nothing has been evaluated yet.
    NotYet,
    /// The operator is configured to leave it.
    Off,
    /// Changes wait.
    Paused,
    /// The last pull succeeded.
    Reachable,
    /// All is well.
    Ready,
    /// A Secret or ConfigMap, or a key of it, is missing.
    ReferenceMissing,
    /// The API server refuses an object.
    Refused,
    /// The new config is on its way.
    Reloading,
    /// Every reference is there.
    Resolved,
    /// The Deployment fails, and Kubernetes gives no reason.
    RolloutFailed,
    /// The pod is starting.
    RollingOut,
    /// The spec is wrong.
    SpecInvalid,
    /// The last evaluation succeeded.
    Succeeded,
    /// A pull failed, and the exporter gives no reason.
    Unreachable,
    /// The object does not fit its definition.
    Unreadable,
    /// The spec can run.
    Valid,
    /// An object could not be written.
    WriteFailed,
    /// A time in which nobody is to be told is of a zone that cannot be said.
    ZoneUnknown,
}

impl Reason {
    /// All words.
    pub const ALL: &'static [&'static str] = Self::VARIANTS;

    /// The word.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl From<Reason> for String {
    fn from(reason: Reason) -> Self {
        reason.as_str().to_owned()
    }
}
