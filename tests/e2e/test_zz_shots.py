import os, pytest
from axe_playwright_python.sync_playwright import Axe

OUT = os.environ["SHOTS"]


@pytest.mark.parametrize("width", [1440, 768, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_shots(visit, portal, theme, width):
    o = portal.organisation
    w = visit(width=width, color_scheme=theme)
    out = visit(None, width=width, color_scheme=theme)
    axe = Axe()
    pages = {
        "sign-in": (out, "/sign-in"),
        "overview": (w, "/overview"),
        "partners": (w, "/partners"),
        "partner": (w, "/partners/kestrel"),
        "partner-trust": (w, "/partners/kestrel/trust"),
        "partner-clients": (w, "/partners/kestrel/clients"),
        "partner-mappings": (w, "/partners/kestrel/mappings"),
        "partner-activity": (w, "/partners/kestrel/activity"),
        "exchanges": (w, "/exchanges"),
        "trace-granted": (w, f"/exchanges/{o.granted}"),
        "trace-refused": (w, f"/exchanges/{o.refused}"),
        "trace-unauth": (w, f"/exchanges/{o.unauthenticated}"),
        "account": (w, "/account"),
        "not-found": (w, "/nowhere"),
        "fjord": (w, "/partners/fjord"),
        "fjord-trust": (w, "/partners/fjord/trust"),
        "orbit": (w, "/partners/orbit/mappings"),
        "empty": (w, "/exchanges?client=zzz"),
    }
    problems = []
    for name, (win, path) in pages.items():
        p = win.go(path)
        p.wait_for_load_state("networkidle")
        p.screenshot(path=f"{OUT}/{name}-{width}-{theme}.png", full_page=True)
        r = axe.run(
            p,
            options={
                "resultTypes": ["violations"],
                "runOnly": {
                    "type": "tag",
                    "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
                },
            },
        )
        for v in r.response["violations"]:
            problems.append(
                (
                    name,
                    width,
                    theme,
                    v["id"],
                    [n["html"][:150] for n in v["nodes"][:2]],
                    v["nodes"][0].get("failureSummary", "")[:200],
                )
            )
        ov = p.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if ov > 0:
            problems.append((name, width, theme, "overflow", ov))
        if win.complaints:
            problems.append((name, win.complaints[:3]))
            win.complaints.clear()
    for x in problems:
        print(x)
