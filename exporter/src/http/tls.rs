//! TLS of the server: certificate, key, and what is asked of clients.

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use axum_server::accept::Accept;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{
    DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig, SignatureScheme,
};
use serde::Deserialize;
use tokio::net::TcpStream;

use super::web::Web;

/// `tls_server_config`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    cert_file: PathBuf,
    key_file: PathBuf,
    client_ca_file: Option<PathBuf>,
    #[serde(default)]
    client_auth_type: ClientAuth,
    #[serde(default)]
    min_version: MinVersion,
}

/// What is asked of clients, in Go's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
enum ClientAuth {
    /// No certificate is asked for.
    #[default]
    NoClientCert,
    /// One is asked for, need not come, and is not verified.
    RequestClientCert,
    /// One must come and is not verified.
    RequireAnyClientCert,
    /// One need not come; if it does, it must be valid.
    VerifyClientCertIfGiven,
    /// A valid one must come.
    RequireAndVerifyClientCert,
}

/// The oldest protocol version that is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
enum MinVersion {
    /// TLS 1.2 or newer.
    #[default]
    TLS12,
    /// TLS 1.3 only.
    TLS13,
}

/// Why TLS cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file has no usable PEM of the sort that is needed.
    #[error("{field}: cannot read {what} from {}", .path.display())]
    Pem {
        /// The field that names the file.
        field: &'static str,
        /// What should be in it.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the reader said; never the content.
        source: rustls::pki_types::pem::Error,
    },
    /// A certificate authority that cannot be used.
    #[error("client_ca_file: {} holds a certificate that cannot be used", .path.display())]
    Authority {
        /// The file.
        path: PathBuf,
        /// What the TLS library said.
        source: rustls::Error,
    },
    /// Clients are to be verified and nothing says against what.
    #[error(
        "client_auth_type verifies clients' certificates, so client_ca_file must name their authority"
    )]
    NoAuthority,
    /// There is an authority and nothing is verified.
    #[error(
        "client_ca_file is given, but client_auth_type does not verify: write RequireAndVerifyClientCert"
    )]
    UnusedAuthority,
    /// The verifier of clients cannot be made.
    #[error("client_ca_file")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
    /// Certificate and key do not go together, or cannot be used.
    #[error("cert_file and key_file cannot be used")]
    Pair(#[source] rustls::Error),
}

impl File {
    /// The same with relative paths taken below a folder.
    pub fn below(self, folder: &Path) -> Self {
        File {
            cert_file: folder.join(self.cert_file),
            key_file: folder.join(self.key_file),
            client_ca_file: self.client_ca_file.map(|file| folder.join(file)),
            ..self
        }
    }

    /// Every file that is read.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        [&self.cert_file, &self.key_file]
            .into_iter()
            .chain(&self.client_ca_file)
            .map(PathBuf::as_path)
    }
}

/// The server's side of TLS as the file describes it.
pub fn server(file: &File, http2: bool) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let versions: &[_] = match file.min_version {
        MinVersion::TLS12 => &[&TLS13, &TLS12],
        MinVersion::TLS13 => &[&TLS13],
    };
    let certificates = certificates("cert_file", &file.cert_file)?;
    let key = PrivateKeyDer::from_pem_file(&file.key_file).map_err(|source| TlsError::Pem {
        field: "key_file",
        what: "a private key",
        path: file.key_file.clone(),
        source,
    })?;
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .map_err(TlsError::Pair)?;
    let builder = match verifier(file, &provider)? {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder
        .with_single_cert(certificates, key)
        .map_err(TlsError::Pair)?;
    let protocols: &[&[u8]] = if http2 {
        &[b"h2", b"http/1.1"]
    } else {
        &[b"http/1.1"]
    };
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(config)
}

fn certificates(
    field: &'static str,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let error = |source| TlsError::Pem {
        field,
        what: "certificates",
        path: path.to_owned(),
        source,
    };
    let certificates: Vec<_> = CertificateDer::pem_file_iter(path)
        .map_err(error)?
        .collect::<Result<_, _>>()
        .map_err(error)?;
    if certificates.is_empty() {
        return Err(error(rustls::pki_types::pem::Error::NoItemsFound));
    }
    Ok(certificates)
}

fn verifier(
    file: &File,
    provider: &Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, TlsError> {
    let any = |mandatory| -> Option<Arc<dyn ClientCertVerifier>> {
        Some(Arc::new(AnyCertificate {
            mandatory,
            provider: Arc::clone(provider),
        }))
    };
    let authority = file.client_ca_file.as_deref();
    match (file.client_auth_type, authority) {
        (ClientAuth::NoClientCert, None) => Ok(None),
        (ClientAuth::NoClientCert, Some(_)) => Err(TlsError::UnusedAuthority),
        (ClientAuth::RequestClientCert, _) => Ok(any(false)),
        (ClientAuth::RequireAnyClientCert, _) => Ok(any(true)),
        (ClientAuth::VerifyClientCertIfGiven | ClientAuth::RequireAndVerifyClientCert, None) => {
            Err(TlsError::NoAuthority)
        }
        (ClientAuth::VerifyClientCertIfGiven, Some(path)) => {
            let builder = WebPkiClientVerifier::builder_with_provider(
                Arc::new(roots(path)?),
                Arc::clone(provider),
            );
            Ok(Some(builder.allow_unauthenticated().build()?))
        }
        (ClientAuth::RequireAndVerifyClientCert, Some(path)) => {
            let builder = WebPkiClientVerifier::builder_with_provider(
                Arc::new(roots(path)?),
                Arc::clone(provider),
            );
            Ok(Some(builder.build()?))
        }
    }
}

fn roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("client_ca_file", path)? {
        roots
            .add(certificate)
            .map_err(|source| TlsError::Authority {
                path: path.to_owned(),
                source,
            })?;
    }
    Ok(roots)
}

/// Accepts any client certificate whose key the client holds, as Go's RequestClientCert and
/// RequireAnyClientCert do: the signature of the handshake is checked, the certificate's issuer is not.
#[derive(Debug)]
struct AnyCertificate {
    mandatory: bool,
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for AnyCertificate {
    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// Takes connections with the TLS that is in force at that moment.
#[derive(Clone, Debug)]
pub struct Acceptor(pub Arc<Web>);

impl<S: Send + 'static> Accept<TcpStream, S> for Acceptor {
    type Stream = tokio_rustls::server::TlsStream<TcpStream>;
    type Service = S;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, Self::Service)>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let Some(config) = self.0.current().tls.clone() else {
            // `Web` never turns TLS off while it runs; were it to, a plain answer would be worse than none.
            return Box::pin(async { Err(io::Error::other("TLS is not configured")) });
        };
        let acceptor = RustlsAcceptor::new(RustlsConfig::from_config(config));
        Box::pin(acceptor.accept(stream, service))
    }
}
