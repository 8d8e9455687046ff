//! Certificates for test servers: good ones and bad ones. Does not check any.

use anyhow::Result;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};

const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "127.0.0.2"];

/// A certificate with its key, both PEM.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

/// A certificate authority that nobody trusts who was not told to.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

impl Authority {
    /// Makes one.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn new() -> Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        params
            .distinguished_name
            .push(DnType::CommonName, "isbg test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?.pem();
        Ok(Self {
            issuer: Issuer::new(params, key),
            certificate,
        })
    }

    /// Its own certificate, PEM: what a client must trust.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// A certificate for `localhost`, 127.0.0.1 and 127.0.0.2.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn good(&self) -> Result<Identity> {
        self.sign(CertificateParams::new(names(&LOOPBACK))?)
    }

    /// A certificate for another server.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn wrong_name(&self) -> Result<Identity> {
        self.sign(CertificateParams::new(names(&["mail.example.org"]))?)
    }

    /// A certificate for `localhost`, 127.0.0.1 and 127.0.0.2 that was good until 2020.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn expired(&self) -> Result<Identity> {
        let mut params = CertificateParams::new(names(&LOOPBACK))?;
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(2020, 1, 1);
        self.sign(params)
    }

    /// A certificate that shows who a client is.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn client(&self, name: &str) -> Result<Identity> {
        let mut params = CertificateParams::new(names(&[name]))?;
        params.distinguished_name.push(DnType::CommonName, name);
        self.sign(params)
    }

    fn sign(&self, params: CertificateParams) -> Result<Identity> {
        let key = KeyPair::generate()?;
        Ok(Identity {
            certificate: params.signed_by(&key, &self.issuer)?.pem(),
            key: key.serialize_pem(),
        })
    }
}

impl Identity {
    /// A certificate for `localhost`, 127.0.0.1 and 127.0.0.2 that nobody signed but itself.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn self_signed() -> Result<Self> {
        let key = KeyPair::generate()?;
        let params = CertificateParams::new(names(&LOOPBACK))?;
        Ok(Self {
            certificate: params.self_signed(&key)?.pem(),
            key: key.serialize_pem(),
        })
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
