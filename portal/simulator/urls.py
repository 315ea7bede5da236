"""The addresses of the simulator: the bench, golden tokens, back-tests and shadows of drafts."""

from __future__ import annotations

from django.urls import path

from portal.simulator.pages import back_tests, bench, golden, shadows

urlpatterns = [
    path("simulator", bench.simulator, name="simulator"),
    path("simulator/back-test/<slug:slug>/<slug:name>", back_tests.back_tests, name="simulator-back-test"),
    path("simulator/shadow/<slug:slug>/<slug:name>", shadows.shadow, name="simulator-shadow"),
    path("simulator/shadow/<slug:slug>/<slug:name>/start", shadows.start, name="simulator-shadow-start"),
    path("simulator/shadow/<slug:slug>/<slug:name>/stop", shadows.stop, name="simulator-shadow-stop"),
    path("simulator/cases", golden.cases, name="simulator-cases"),
    path("simulator/cases/save", golden.save, name="simulator-case-save"),
    path("simulator/cases/<uuid:case_id>", golden.case, name="simulator-case"),
    path("simulator/cases/<uuid:case_id>/run", golden.run, name="simulator-case-run"),
    path("simulator/cases/<uuid:case_id>/rename", golden.rename, name="simulator-case-rename"),
    path("simulator/cases/<uuid:case_id>/delete", golden.delete, name="simulator-case-delete"),
]
