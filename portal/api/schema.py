"""How one call is described: what its endpoint says of itself, in the words of OpenAPI 3.1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from portal.api import shapes
from portal.scopes import API_SCOPES

if TYPE_CHECKING:
    from portal.api.endpoint import Endpoint

_IF_MATCH: Final = "The ETag of the object as it was read."
_ONE_EFFECT: Final = "Chosen by the caller: the same call sent again under it has no second effect, for 24 hours."


class EndpointSchema(AutoSchema):
    """The description of one method of an ``Endpoint``."""

    def get_operation_id(self) -> str:
        """The name of the address and the method."""
        place = f"{type(self._endpoint).__module__.rpartition('.')[2]}_{type(self._endpoint).__name__}"
        return f"{self.method}_{place}".lower()

    def get_summary(self) -> str:
        """The first line of the method's docstring."""
        return self._said().partition("\n")[0].rstrip(".")

    def get_description(self) -> str:  # type: ignore[override]  # as drf-spectacular has it
        """What the address is, and which permission the method takes."""
        needs = self._endpoint.needs.get(self.method)
        takes = f" Takes the permission `{needs}`." if needs else ""
        return f"{type(self._endpoint).__doc__}{takes}"

    def get_tags(self) -> list[str]:
        """The module of the endpoint."""
        return [type(self._endpoint).__module__.rpartition(".")[2]]

    def get_auth(self) -> list[dict[str, list[str]]]:
        """A token, or a session with the form's own token; a session alone for what no token carries."""
        needs = self._endpoint.needs.get(self.method)
        return [{"access_token": []}, {"session": []}] if needs is None or needs in API_SCOPES else [{"session": []}]

    def get_override_parameters(self) -> list[Any]:
        """The parameters of the address, and the fields of the header that count."""
        if self.method == "GET":
            queries = (self._query(parameter) for parameter in self._endpoint.parameters)
            known = [_field("If-None-Match", "The ETag that the caller has.")] if self._endpoint.is_tagged else []
            return [*queries, *known]
        if self._endpoint.only_asks:
            return []
        matched = [] if self._is_creation() else [_field("If-Match", _IF_MATCH, is_required=self._must_match())]
        return [*matched, _field("Idempotency-Key", _ONE_EFFECT)]

    def get_request_serializer(self) -> Any:  # noqa: ANN401 - a schema, as the framework takes it
        """The body of the method, where it has one."""
        name = self._endpoint.bodies.get(self.method)
        types = ["application/json"] + (["application/merge-patch+json"] if self.method == "PATCH" else [])
        return {media_type: shapes.ref(name) for media_type in types} if name else None

    def get_response_serializers(self) -> Any:  # noqa: ANN401
        """The good answer; the hook adds the others, which are the same everywhere."""
        shape = shapes.ref(self._endpoint.shape)
        if self.method == "GET" and not self._endpoint.is_tagged and self._endpoint.is_list:
            shape = shapes.listed(self._endpoint.shape)
        status = "201" if self._endpoint.creates and self.method == "POST" else "200"
        return {status: OpenApiResponse(response=shape, description=self.get_summary())}

    def map_renderers(self, attribute: str) -> list[str]:
        """What answers are written in."""
        return ["application/json"] if attribute == "media_type" else []

    @property
    def _endpoint(self) -> Endpoint:
        """The endpoint of the method."""
        return cast("Endpoint", self.view)

    def _said(self) -> str:
        return getattr(self._endpoint, self.method.lower()).__doc__ or ""

    def _is_creation(self) -> bool:
        return self.method == "POST" and self._endpoint.creates and self._endpoint.is_list

    def _must_match(self) -> bool:
        return self.method in {"PATCH", "DELETE"} and not self._endpoint.may_match

    @staticmethod
    def _query(parameter: Any) -> OpenApiParameter:  # noqa: ANN401 - of portal.api.queries
        return OpenApiParameter(
            name=parameter.name, type=parameter.schema, location="query", description=parameter.description
        )


def _field(name: str, description: str, *, is_required: bool = False) -> OpenApiParameter:
    return OpenApiParameter(name=name, type=str, location="header", description=description, required=is_required)
