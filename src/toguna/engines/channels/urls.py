from django.urls import path

from toguna.engines.channels.gateway import callbacks, views
from toguna.engines.channels.publish import views as publish
from toguna.engines.channels.simulator.views import phone, thread
from toguna.engines.channels.ussd.callbacks import callback

urlpatterns = [
    path("desk/messages/", views.messages, name="messages"),
    path("desk/routes/", views.routes, name="routes"),
    path("desk/routes/new/<slug:kind>", views.route, name="route-new"),
    path("desk/routes/<slug:slug>", views.route, name="route"),
    path("sms/dlr/<slug:mark>", callbacks.dlr, name="sms-dlr"),
    path("sms/report/<slug:kind>/<slug:key>", callbacks.report, name="sms-report"),
    path("sms/in/<slug:kind>/<slug:key>", callbacks.receive, name="sms-in"),
    path("ussd/<slug:kind>/<slug:key>", callback, name="ussd"),
    path("desk/publications/", publish.publications, name="publications"),
    path("desk/publications/new", publish.publication, name="publication-new"),
    path("desk/publications/<int:pk>", publish.publication, name="publication"),
    path("desk/publications/rules", publish.rules, name="alert-rules"),
    path("desk/publications/<int:pk>/<slug:size>-<slug:language>.pdf", publish.paper, name="publication-paper"),
    path("news/", publish.news, name="news"),
    path("news/feed.rss", publish.feed, name="news-feed"),
    path("news/feed.atom", publish.atom, name="news-atom"),
    path("news/alerts.atom", publish.alerts_feed, name="alerts-feed"),
    path("p/<int:pk>.cap", publish.cap_alert, name="publication-cap"),
    path("p/<int:pk>/<slug:size>.pdf", publish.public_paper, name="publication-poster"),
    path("p/<int:pk>", publish.item, name="publication-public"),
    path("alerts/", publish.subscribe, name="subscribe"),
    path("alerts/confirm/<str:token>", publish.confirm, name="subscription-confirm"),
    path("alerts/stop/<str:token>", publish.stop, name="subscription-stop"),
    path("demo/phone", phone, name="phone"),
    path("demo/phone/thread", thread, name="phone-thread"),
]
