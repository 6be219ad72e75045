from django.urls import path

from toguna.services.revenue.profile import views

urlpatterns = [
    path("registered/", views.registered, name="registered"),
    path("taxes/", views.mine, name="my-taxes"),
    path("taxes/<slug:number>", views.profile, name="taxes"),
    path("taxes/<slug:number>/statement.pdf", views.statement_pdf, name="taxes-statement"),
    path("taxes/<slug:number>/contest", views.contest, name="taxes-contest"),
    path("taxes/<slug:number>/plan/<slug:reference>", views.plan, name="taxes-plan"),
    path("desk/taxes/answers/", views.answers, name="desk-objections"),
    path("desk/taxes/answers/<str:kind>/<int:pk>", views.answer, name="desk-objection-answer"),
    path("desk/taxes/statement/<slug:number>.pdf", views.desk_statement, name="desk-taxpayer-statement"),
]
