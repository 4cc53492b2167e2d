//! What becomes of an instance on its node, as the node reports it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::InstanceNumber;
use crate::{Fault, Incarnation, Timestamp, WorkflowName};

/// Where an instance stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum InstanceState {
    VerifyingConfiguration,
    VerifyingDependencies,
    Activating,
    /// Ready, before it looked for work.
    On,
    Processing,
    /// It looked, and there is nothing to do.
    WaitingForSource,
    /// It finishes what it has begun and begins nothing.
    StopProcessing,
    /// It finished, or gave up, what it had begun, and gives back what it holds.
    ShuttingDown,
    /// It failed and is started again when the wait is over.
    RestartBackoff,
    /// It has ended, and was asked to.
    Terminated,
    ConfigurationFailure,
    DependencyFailure,
    ActivationFailure,
    ProcessingPreparationFailed,
    /// It failed too often, or for a reason that nobody foresaw.
    InternalError,
    /// Its node lacks a role that it needs.
    ClusterRoleMismatch,
}

/// How a state is to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Health {
    Ok,
    Warning,
    Failure,
}

impl InstanceState {
    /// In the order of a life, failures last.
    pub const ALL: [Self; 16] = [
        Self::VerifyingConfiguration,
        Self::VerifyingDependencies,
        Self::Activating,
        Self::On,
        Self::Processing,
        Self::WaitingForSource,
        Self::StopProcessing,
        Self::ShuttingDown,
        Self::RestartBackoff,
        Self::Terminated,
        Self::ConfigurationFailure,
        Self::DependencyFailure,
        Self::ActivationFailure,
        Self::ProcessingPreparationFailed,
        Self::InternalError,
        Self::ClusterRoleMismatch,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::VerifyingConfiguration => "verifying-configuration",
            Self::VerifyingDependencies => "verifying-dependencies",
            Self::Activating => "activating",
            Self::On => "on",
            Self::Processing => "processing",
            Self::WaitingForSource => "waiting-for-source",
            Self::StopProcessing => "stop-processing",
            Self::ShuttingDown => "shutting-down",
            Self::RestartBackoff => "restart-backoff",
            Self::Terminated => "terminated",
            Self::ConfigurationFailure => "configuration-failure",
            Self::DependencyFailure => "dependency-failure",
            Self::ActivationFailure => "activation-failure",
            Self::ProcessingPreparationFailed => "processing-preparation-failed",
            Self::InternalError => "internal-error",
            Self::ClusterRoleMismatch => "cluster-role-mismatch",
        }
    }

    pub fn health(self) -> Health {
        match self {
            Self::Activating
            | Self::On
            | Self::Processing
            | Self::WaitingForSource
            | Self::ClusterRoleMismatch => Health::Ok,
            Self::VerifyingConfiguration
            | Self::VerifyingDependencies
            | Self::StopProcessing
            | Self::ShuttingDown
            | Self::RestartBackoff => Health::Warning,
            Self::Terminated
            | Self::ConfigurationFailure
            | Self::DependencyFailure
            | Self::ActivationFailure
            | Self::ProcessingPreparationFailed
            | Self::InternalError => Health::Failure,
        }
    }
}

impl fmt::Display for InstanceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One instance, as its node has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceReport {
    pub workflow: WorkflowName,
    pub number: InstanceNumber,
    pub state: InstanceState,
    /// Since when it is in this state, by its node's clock.
    pub since: Timestamp,
    /// Starts after the first.
    pub restarts: u32,
    /// When a restart is due: the countdown of a backoff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

/// All that a node has, and how far it has followed its orders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeReport {
    pub node: Incarnation,
    /// The revision of the order that it works by; 0 before the first.
    pub revision: u64,
    pub instances: Vec<InstanceReport>,
    pub at: Timestamp,
}
