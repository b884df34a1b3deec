//! Why an exporter's pod does not start: a Deployment's status does not say.

use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::api::{Api, ListParams};
use kube::{Client, ResourceExt};

use crate::key::Key;
use crate::plan::selector;
use crate::words::cut;

/// What keeps a pod from being ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodTrouble {
    /// In one word, such as `ImagePullBackOff`.
    pub reason: String,
    /// In sentences, with what to do.
    pub message: String,
}

/// Looks at the pods of a monitor.
///
/// # Errors
/// When the API server does not list them.
pub async fn trouble(client: &Client, monitor: &Key) -> Result<Option<PodTrouble>, kube::Error> {
    let labels: Vec<String> = selector(&monitor.name)
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let params = ListParams::default().labels(&labels.join(",")).limit(10);
    let pods: Api<Pod> = Api::namespaced(client.clone(), &monitor.namespace);
    let mut pods = pods.list(&params).await?.items;
    // The newest is the one that shall run.
    pods.sort_by_key(|pod| std::cmp::Reverse(pod.creation_timestamp()));
    Ok(pods.iter().find_map(of_pod))
}

/// What keeps one pod from being ready; nothing when it is only starting.
fn of_pod(pod: &Pod) -> Option<PodTrouble> {
    let name = pod.name_any();
    let status = pod.status.as_ref()?;
    if let Some(trouble) = status
        .container_statuses
        .iter()
        .flatten()
        .find_map(|container| of_container(&name, container))
    {
        return Some(trouble);
    }
    let unscheduled = status
        .conditions
        .iter()
        .flatten()
        .find(|condition| condition.type_ == "PodScheduled" && condition.status == "False")?;
    Some(PodTrouble {
        reason: unscheduled
            .reason
            .clone()
            .unwrap_or_else(|| "Unschedulable".to_owned()),
        message: format!(
            "No node takes the pod {name}: {}",
            unscheduled
                .message
                .as_deref()
                .unwrap_or("the scheduler does not say why")
        ),
    })
}

fn of_container(pod: &str, container: &ContainerStatus) -> Option<PodTrouble> {
    let waiting = container.state.as_ref()?.waiting.as_ref()?;
    let reason = waiting.reason.as_deref().unwrap_or_default();
    let said = waiting
        .message
        .as_deref()
        .unwrap_or("the kubelet does not say why");
    let message = match reason {
        "" | "ContainerCreating" | "PodInitializing" => return None,
        "ImagePullBackOff" | "ErrImagePull" | "InvalidImageName" | "ErrImageNeverPull" => format!(
            "The image {} cannot be pulled: {}. Correct the operator's exporter image or its pull secrets.",
            container.image,
            why_not_pulled(said)
        ),
        "CrashLoopBackOff" => {
            let ended = container
                .last_state
                .as_ref()
                .and_then(|state| state.terminated.as_ref())
                .map_or_else(String::new, |ended| {
                    format!(" with exit code {}", ended.exit_code)
                });
            format!(
                "The exporter ended{ended}, again and again. Its last words: kubectl logs {pod} --previous."
            )
        }
        _ => format!("The pod {pod} does not start: {said}"),
    };
    // Both names stand for the same trouble, and a kubelet goes from one to the other and back.
    let reason = match reason {
        "ErrImagePull" => "ImagePullBackOff",
        other => other,
    };
    Some(PodTrouble {
        reason: reason.to_owned(),
        message: cut(&message, 500),
    })
}

/// What a kubelet says of a pull that failed, the same whether it just failed or waits before it tries again: then it says
/// so first. A status that changed at every turn would be written at every turn.
fn why_not_pulled(said: &str) -> &str {
    match said.split_once("ErrImagePull: ") {
        Some((waiting, why)) if waiting.starts_with("Back-off pulling image") => why,
        _ => said,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn waiting(reason: &str, message: &str) -> ContainerStatus {
        serde_json::from_value(json!({
            "name": "exporter",
            "image": "exporter:typo",
            "imageID": "",
            "ready": false,
            "restartCount": 0,
            "state": {"waiting": {"reason": reason, "message": message}},
        }))
        .unwrap()
    }

    #[test]
    fn an_image_that_cannot_be_pulled_is_one_trouble() {
        let why = "failed to resolve image: not found";
        let failed = of_container("pod", &waiting("ErrImagePull", why)).unwrap();
        assert_eq!(failed.reason, "ImagePullBackOff");
        assert_eq!(
            failed.message,
            "The image exporter:typo cannot be pulled: failed to resolve image: not found. Correct the operator's exporter image or its pull secrets."
        );
        let later = format!("Back-off pulling image \"exporter:typo\": ErrImagePull: {why}");
        let later = of_container("pod", &waiting("ImagePullBackOff", &later)).unwrap();
        assert_eq!(later, failed);
    }

    /// A status that counted would be written at every restart.
    #[test]
    fn an_exporter_that_ends_again_is_the_same_trouble() {
        let first = waiting(
            "CrashLoopBackOff",
            "back-off 10s restarting failed container",
        );
        let mut later = waiting(
            "CrashLoopBackOff",
            "back-off 40s restarting failed container",
        );
        later.restart_count = 7;
        assert_eq!(of_container("pod", &later), of_container("pod", &first));
    }
}
