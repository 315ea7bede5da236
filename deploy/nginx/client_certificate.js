// The client certificate of this TLS connection as an RFC 9440 Client-Cert value: a byte sequence, ":base64 of the DER:".
function header(r) {
    const pem = r.variables.ssl_client_raw_cert;
    if (!pem) {
        return "";
    }
    const base64 = pem.replace(/-----(BEGIN|END) CERTIFICATE-----/g, "").replace(/\s+/g, "");
    return ":" + base64 + ":";
}

export default { header };
