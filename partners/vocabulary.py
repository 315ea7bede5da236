"""The closed lists of words that a configuration may use."""

from enum import StrEnum

from policy.tokens import TokenType


class Kind(StrEnum):
    """What can be declared, in the order in which it is written: what is referred to comes first."""

    TARGET = "Target"
    PARTNER = "Partner"
    CLIENT = "Client"
    TRUST = "Trust"
    MAPPING = "Mapping"


class DeclaredPartnerState(StrEnum):
    """The states a document may ask for; those of the onboarding flow are reached by its own steps."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    OFFBOARDED = "offboarded"


class ClientType(StrEnum):
    """Whether a client can keep a credential (RFC 6749 section 2.1)."""

    CONFIDENTIAL = "confidential"
    PUBLIC = "public"


class CertificateName(StrEnum):
    """What in a certificate names its client (RFC 8705 section 2.1.2); a client has exactly one of these."""

    SUBJECT_DN = "subject_dn"
    SAN_DNS = "san_dns"
    SAN_URI = "san_uri"
    SAN_IP = "san_ip"
    SAN_EMAIL = "san_email"


class GrantType(StrEnum):
    """The grants a client may be allowed. Password and implicit do not exist here (RFC 9700 section 2)."""

    TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
    AUTHORIZATION_CODE = "authorization_code"
    REFRESH_TOKEN = "refresh_token"
    CLIENT_CREDENTIALS = "client_credentials"
    JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


class SubjectTokenType(StrEnum):
    """The token types a trust may accept; ``policy.tokens.SUBJECT_TOKEN_TYPES`` as a type of its own."""

    ACCESS_TOKEN = TokenType.ACCESS_TOKEN
    ID_TOKEN = TokenType.ID_TOKEN
    JWT = TokenType.JWT


class SignatureAlgorithm(StrEnum):
    """Asymmetric signature algorithms (rules 62 and 106); no other is ever accepted from a partner."""

    RS256 = "RS256"
    RS384 = "RS384"
    RS512 = "RS512"
    PS256 = "PS256"
    PS384 = "PS384"
    PS512 = "PS512"
    ES256 = "ES256"
    ES384 = "ES384"
    ES512 = "ES512"
    EDDSA = "EdDSA"
    ED25519 = "Ed25519"
