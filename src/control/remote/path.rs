//! The path of a configuration: `datadog/2/APM_TRACING/some-id/config`, `employee/APM_TRACING/some-id/config`.

/// Longer paths are refused.
const PATH_MAX: usize = 1_000;

/// A path that names a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigPath {
    text: String,
    /// The product's place in the text.
    product: (usize, usize),
    /// The place of the configuration's id.
    id: (usize, usize),
}

impl ConfigPath {
    /// Returns the path, if it has the form of one.
    pub fn parse(text: &str) -> Option<ConfigPath> {
        let rest = text.strip_prefix("employee/").or_else(|| {
            let (organization, rest) = text.strip_prefix("datadog/")?.split_once('/')?;
            (!organization.is_empty() && organization.bytes().all(|byte| byte.is_ascii_digit())).then_some(rest)
        })?;
        let mut parts = rest.split('/');
        let (product, id, name) = (parts.next()?, parts.next()?, parts.next()?);
        let whole = parts.next().is_none() && [product, id, name].iter().all(|part| !part.is_empty());
        let product_at = text.len() - rest.len();
        let id_at = product_at + product.len() + 1;
        (whole && text.len() <= PATH_MAX).then(|| ConfigPath {
            text: text.to_string(),
            product: (product_at, product_at + product.len()),
            id: (id_at, id_at + id.len()),
        })
    }

    /// The whole path.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The product, such as `APM_TRACING`.
    pub fn product(&self) -> &str {
        self.text.get(self.product.0..self.product.1).unwrap_or_default()
    }

    /// The configuration's id.
    pub fn id(&self) -> &str {
        self.text.get(self.id.0..self.id.1).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_an_owner_a_product_an_id_and_a_name() {
        let parts = |text| ConfigPath::parse(text).map(|path| (path.product().to_string(), path.id().to_string()));
        let is = |product: &str, id: &str| Some((product.to_string(), id.to_string()));
        assert_eq!(parts("datadog/2/APM_TRACING/abc/config"), is("APM_TRACING", "abc"));
        assert_eq!(parts("employee/AGENT_TASK/é:1/x"), is("AGENT_TASK", "é:1"));
        for wrong in [
            "",
            "datadog",
            "datadog/2/APM_TRACING/abc",
            "datadog/2/APM_TRACING/abc/",
            "datadog/2/APM_TRACING/abc/config/more",
            "datadog/2/APM_TRACING//config",
            "datadog//APM_TRACING/abc/config",
            "datadog/x/APM_TRACING/abc/config",
            "employee/2/APM_TRACING/abc/config",
            "other/2/APM_TRACING/abc/config",
            "/datadog/2/APM_TRACING/abc/config",
        ] {
            assert_eq!(parts(wrong), None, "{wrong}");
        }
        assert_eq!(parts(&format!("datadog/2/APM_TRACING/{}/config", "x".repeat(PATH_MAX))), None);
    }
}
