from django.urls import path

from toguna.services.reports.asking import desk, views

urlpatterns = [
    path("ask/", views.ask, name="ask"),
    path("ask/answers/", views.answers, name="answers"),
    path("ask/answers/<slug:slug>", views.article, name="article"),
    path("ask/answers/<slug:slug>/helped", views.helped, name="article-helped"),
    path("ask/thanks/<slug:code>", views.thanks, name="question-thanks"),
    path("ask/<slug:code>", views.question, name="question"),
    path("ask/<slug:code>/answer", views.answer, name="question-answer"),
    path("desk/questions/", desk.questions, name="desk-questions"),
    path("desk/questions/teams", desk.teams, name="desk-question-teams"),
    path("desk/questions/<slug:code>", desk.question, name="desk-question"),
    path("desk/questions/<slug:code>/act", desk.act, name="desk-question-act"),
    path("desk/articles/", desk.articles, name="desk-articles"),
    path("desk/articles/new", desk.article, name="desk-article-new"),
    path("desk/articles/<slug:slug>", desk.article, name="desk-article"),
]
