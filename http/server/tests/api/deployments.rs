//! Deployments on the management server.

use std::sync::Arc;

use weir_domain::ProjectName;
use weir_domain::plan::{Plan, Retry};
use weir_http_api::{Concealed, DeploymentRequest, DryRun, ProblemKind};
use weir_http_client::{Error, Management};
use weir_http_server::{Guard, Limits, management::router};

use crate::fake_cluster::FakeCluster;
use crate::fake_deployments::FakeDeployments;
use crate::fixture::served;

const TOKEN: &str = "0123456789abcdef";

async fn management(token: Option<&str>) -> Management {
    let (cluster, deployments) = (FakeCluster::new(), FakeDeployments::default());
    let writes = Guard::with_token(TOKEN);
    let router = router(Arc::new(cluster), Arc::new(deployments), writes, Limits::default());
    Management::new(&served(router).await).unwrap().with_token(token.map(Concealed::new))
}

fn request(plans: Vec<Plan>) -> DeploymentRequest {
    DeploymentRequest { digest: "abc".into(), base_dir: "/p".into(), plans }
}

fn plan() -> Plan {
    let (stages, edges, dead_letters) = (vec![], vec![], None);
    let workflow = "w".parse().unwrap();
    let (retry, error_limit) = (Retry::default(), None);
    Plan { workflow, instances: 1, stages, edges, retry, dead_letters, error_limit }
}

fn kind<T: std::fmt::Debug>(answer: Result<T, Error>) -> Option<ProblemKind> {
    match answer {
        Err(Error::Problem(problem)) => {
            [ProblemKind::Conflict, ProblemKind::NotFound, ProblemKind::Unauthorized]
                .into_iter()
                .find(|it| problem.is(*it))
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_project_is_deployed_listed_and_withdrawn() {
    let (client, project) = (management(Some(TOKEN)).await, ProjectName::new("p").unwrap());
    assert_eq!(client.deployments().await.unwrap().items, []);
    let deployed = client.deploy(&project, &request(vec![plan()])).await.unwrap();
    assert_eq!((deployed.digest.as_str(), deployed.workflows.len()), ("abc", 1));
    assert_eq!(client.deployments().await.unwrap().items, std::slice::from_ref(&deployed));
    for dry_run in [true, true, false] {
        assert_eq!(client.withdraw(&project, &DryRun { dry_run }).await.unwrap(), deployed);
    }
    for dry_run in [true, false] {
        let refused = client.withdraw(&project, &DryRun { dry_run }).await;
        assert_eq!(kind(refused), Some(ProblemKind::NotFound));
    }
}

#[tokio::test]
async fn deploying_needs_the_token_and_something_to_run() {
    let project = ProjectName::new("p").unwrap();
    let client = management(None).await;
    let refused = client.deploy(&project, &request(vec![plan()])).await;
    assert_eq!(kind(refused), Some(ProblemKind::Unauthorized));
    assert_eq!(
        kind(client.withdraw(&project, &DryRun::default()).await),
        Some(ProblemKind::Unauthorized)
    );
    let client = management(Some(TOKEN)).await;
    let refused = client.deploy(&project, &request(vec![])).await;
    assert_eq!(kind(refused), Some(ProblemKind::Conflict));
}
