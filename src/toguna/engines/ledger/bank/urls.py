from django.urls import path

from toguna.engines.ledger.bank import views

urlpatterns = [
    path("desk/bank/", views.banks, name="desk-bank"),
    path("desk/bank/new", views.bank, name="desk-bank-new"),
    path("desk/bank/<int:pk>", views.bank, name="desk-bank-account"),
    path("desk/bank/<int:pk>/bring", views.bring, name="desk-bank-bring"),
    path("desk/bank/statements/<int:pk>", views.statement, name="desk-bank-statement"),
    path("desk/bank/lines/<int:pk>", views.resolve, name="desk-bank-line"),
]
