from django.urls import path, re_path

from toguna.engines.documents.library import desk_views, feeds, views
from toguna.kernel.web import public

urlpatterns = [
    path("acts/", views.acts, name="acts"),
    path("acts/feed.rss", public(feeds.Acts()), name="acts-rss"),
    path("acts/feed.atom", public(feeds.AtomActs()), name="acts-atom"),
    path("acts/<slug:kind>/<int:year>/<slug:number>", views.act, name="act"),
    path("acts/<slug:kind>/<int:year>/<slug:number>.pdf", views.printed, name="act-pdf"),
    path("acts/<slug:kind>/<int:year>/<slug:number>.xml", views.structured, name="act-akn"),
    re_path(r"^akn/(?P<uri>.{1,200})$", views.resolve, name="akn"),
    path("desk/acts/", desk_views.acts, name="desk-acts"),
    path("desk/acts/new", desk_views.new, name="desk-act-new"),
    path("desk/acts/<int:pk>", desk_views.act, name="desk-act"),
]
