from django.urls import path

from toguna.services.frontdesk import callbacks, setup, talks, views

urlpatterns = [
    path("", views.front, name="front"),
    path("begin", views.begin, name="front-begin"),
    path("person", views.add_person, name="front-person"),
    path("wrap-up", views.wrap_up, name="front-wrap-up"),
    path("mandate", views.mandate, name="front-mandate"),
    path("not-theirs", views.not_theirs, name="front-not-theirs"),
    path("call-backs", callbacks.call_backs, name="front-back"),
    path("call-backs/new", callbacks.new, name="front-back-new"),
    path("call-backs/<int:pk>", callbacks.called, name="front-back-called"),
    path("conversations", talks.talks, name="front-talks"),
    path("conversations/<int:pk>", talks.talk, name="front-talk"),
    path("day", setup.day, name="front-day"),
    path("scripts", setup.scripts, name="front-scripts"),
    path("scripts/<slug:slug>", setup.script, name="front-script"),
    path("exchanges", setup.exchanges, name="front-exchanges"),
]
