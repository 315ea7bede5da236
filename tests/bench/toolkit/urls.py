"""The one address of django-oauth-toolkit that is measured."""

from django.urls import path
from oauth2_provider.views.base import TokenView

urlpatterns = [path("token", TokenView.as_view())]
